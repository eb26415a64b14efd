"""How surfaces look in Blender, and what they emit where ids are wanted; runs beside scenes/blender_worker.py."""

import numpy as np


def picture(name: str, pixels: np.ndarray, color: str):
    """An image of (h, w, 1, 3 or 4) uint8 or float32 pixels, row 0 on top."""
    import bpy

    height, width = pixels.shape[:2]
    float_buffer = pixels.dtype != np.uint8
    image = bpy.data.images.new(name, width, height, alpha=True, float_buffer=float_buffer)
    image.colorspace_settings.name = color
    image.alpha_mode = "CHANNEL_PACKED"
    rgba = np.ones((height, width, 4), np.float32)
    values = pixels.reshape(height, width, -1)[::-1].astype(np.float32)
    if not float_buffer:
        values /= 255.0
    rgba[..., : values.shape[2]] = values
    if values.shape[2] == 1:
        rgba[..., :3] = values
    image.pixels.foreach_set(rgba.reshape(-1))
    image.update()
    return image


def _tree(name: str):
    import bpy

    material = bpy.data.materials.new(name)
    material.use_nodes = True
    material.cycles.emission_sampling = "NONE"
    material.node_tree.nodes.clear()
    return material, material.node_tree.nodes, material.node_tree.links


def _texture(nodes, part: dict, arrays: dict, pictures: dict, kind: str, color: str):
    """An image node of the part's texture of this kind, or None."""
    name = part[kind]
    if name is None:
        return None
    if (name, color) not in pictures:
        pictures[name, color] = picture(name, arrays[name], color)
    node = nodes.new("ShaderNodeTexImage")
    node.image = pictures[name, color]
    return node


def material_of(part: dict, arrays: dict, pictures: dict):
    """Principled BSDF, or light of its own; holes, and a ground that dissolves."""
    material, nodes, links = _tree(part["name"])
    texture = _texture(nodes, part, arrays, pictures, "texture", "Non-Color" if part["unlit"] else "sRGB")
    color = None
    if texture is not None:
        tint = nodes.new("ShaderNodeVectorMath")
        tint.operation = "MULTIPLY"
        tint.inputs[1].default_value = part["color"]
        links.new(texture.outputs["Color"], tint.inputs[0])
        color = tint.outputs[0]
    if part["unlit"]:
        surface = nodes.new("ShaderNodeEmission")
        target = surface.inputs["Color"]
    else:
        surface = nodes.new("ShaderNodeBsdfPrincipled")
        target = surface.inputs["Base Color"]
        surface.inputs["Roughness"].default_value = part["roughness"]
        surface.inputs["Specular IOR Level"].default_value = min(part["specular"] / 0.08, 1.0)
        if part["specular"] > 0.08:  # no plastic reflects so much
            surface.inputs["Metallic"].default_value = min(2.0 * part["specular"], 1.0)
        if part["subsurface"] > 0:
            surface.inputs["Subsurface Weight"].default_value = 0.4 * part["subsurface"]
            surface.inputs["Subsurface Radius"].default_value = (1.0, 0.35, 0.2)
            surface.inputs["Subsurface Scale"].default_value = 0.006
        if part["sheen"] > 0:
            surface.inputs["Sheen Weight"].default_value = 0.3 * part["sheen"]
        detail = _texture(nodes, part, arrays, pictures, "detail", "Non-Color")
        if detail is not None:
            _relief(nodes, links, part, detail, surface)
    if color is None:
        target.default_value = (*part["color"], 1.0)
    else:
        links.new(color, target)
    shader = surface.outputs[0]
    if part["cutout"]:
        shader = _holes(nodes, links, texture.outputs["Alpha"], shader)
    if not part["double_sided"]:
        shader = _one_sided(nodes, links, shader)
    if part["fade"] is not None:
        shader = _dissolving(nodes, links, part, arrays, pictures, shader)
    links.new(shader, nodes.new("ShaderNodeOutputMaterial").inputs["Surface"])
    return material


def _relief(nodes, links, part: dict, detail, surface) -> None:
    """Bumps of a picture that repeats over the surface."""
    place = nodes.new("ShaderNodeTexCoord")
    scale = nodes.new("ShaderNodeVectorMath")
    scale.operation = "MULTIPLY"
    scale.inputs[1].default_value = (*part["detail_scale"], 1.0)
    links.new(place.outputs["UV"], scale.inputs[0])
    links.new(scale.outputs[0], detail.inputs["Vector"])
    bump = nodes.new("ShaderNodeBump")
    bump.inputs["Distance"].default_value = part["detail_height"]
    links.new(detail.outputs["Color"], bump.inputs["Height"])
    links.new(bump.outputs["Normal"], surface.inputs["Normal"])


def _holes(nodes, links, alpha, shader):
    """The shader where the picture's alpha reaches one half, nothing elsewhere."""
    empty = nodes.new("ShaderNodeMath")
    empty.operation = "LESS_THAN"
    empty.inputs[1].default_value = 0.4999
    links.new(alpha, empty.inputs[0])
    return _opened(nodes, links, empty.outputs[0], shader)


def _one_sided(nodes, links, shader):
    """Backs are not seen, as the rasteriser does not draw them; they cast shadows all the same."""
    both = nodes.new("ShaderNodeMath")
    both.operation = "MULTIPLY"
    links.new(nodes.new("ShaderNodeNewGeometry").outputs["Backfacing"], both.inputs[0])
    links.new(nodes.new("ShaderNodeLightPath").outputs["Is Camera Ray"], both.inputs[1])
    return _opened(nodes, links, both.outputs[0], shader)


def _opened(nodes, links, share, shader):
    """The shader, clear by a share."""
    clear, mix = nodes.new("ShaderNodeBsdfTransparent"), nodes.new("ShaderNodeMixShader")
    links.new(share, mix.inputs[0])
    links.new(shader, mix.inputs[1])
    links.new(clear.outputs[0], mix.inputs[2])
    return mix.outputs[0]


def _dissolving(nodes, links, part: dict, arrays: dict, pictures: dict, shader):
    """The shader near a centre, the background beyond the last radius; `fade` is x, y, first and last radius.

    The background is given off as light rather than seen through a hole, which few samples would leave grainy.
    """
    fade = part["fade"]
    place = nodes.new("ShaderNodeNewGeometry")
    flat = nodes.new("ShaderNodeVectorMath")
    flat.operation = "MULTIPLY"
    flat.inputs[1].default_value = (1.0, 1.0, 0.0)
    links.new(place.outputs["Position"], flat.inputs[0])
    distance = nodes.new("ShaderNodeVectorMath")
    distance.operation = "DISTANCE"
    distance.inputs[1].default_value = (fade[0], fade[1], 0.0)
    links.new(flat.outputs[0], distance.inputs[0])
    ramp = nodes.new("ShaderNodeMapRange")
    ramp.interpolation_type = "SMOOTHSTEP"
    for name, value in (("From Min", fade[2]), ("From Max", fade[3]), ("To Min", 0.0), ("To Max", 1.0)):
        ramp.inputs[name].default_value = value
    links.new(distance.outputs["Value"], ramp.inputs["Value"])
    glow, mix = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeMixShader")
    links.new(behind_of(nodes, links, arrays, pictures), glow.inputs["Color"])
    links.new(ramp.outputs["Result"], mix.inputs[0])
    links.new(shader, mix.inputs[1])
    links.new(glow.outputs[0], mix.inputs[2])
    return mix.outputs[0]


def id_material(part: dict, arrays: dict, pictures: dict, normals: bool):
    """Emits (instance, part, depth along the camera's z), or half the normal plus one half."""
    material, nodes, links = _tree(part["name"])
    emission = nodes.new("ShaderNodeEmission")
    if normals:
        scaled = nodes.new("ShaderNodeVectorMath")
        scaled.operation = "MULTIPLY_ADD"
        scaled.inputs[1].default_value = scaled.inputs[2].default_value = (0.5, 0.5, 0.5)
        links.new(nodes.new("ShaderNodeNewGeometry").outputs["Normal"], scaled.inputs[0])
        links.new(scaled.outputs[0], emission.inputs["Color"])
    else:
        numbers = nodes.new("ShaderNodeCombineXYZ")
        numbers.inputs[0].default_value = part["instance"]
        attribute = nodes.new("ShaderNodeAttribute")
        attribute.attribute_name = "part"
        links.new(attribute.outputs["Fac"], numbers.inputs[1])
        links.new(nodes.new("ShaderNodeCameraData").outputs["View Z Depth"], numbers.inputs[2])
        links.new(numbers.outputs[0], emission.inputs["Color"])
    shader = emission.outputs[0]
    if part["cutout"]:
        color = "Non-Color" if part["unlit"] else "sRGB"
        alpha = _texture(nodes, part, arrays, pictures, "texture", color).outputs["Alpha"]
        shader = _holes(nodes, links, alpha, shader)
    if not part["double_sided"]:
        shader = _one_sided(nodes, links, shader)
    links.new(shader, nodes.new("ShaderNodeOutputMaterial").inputs["Surface"])
    return material


def behind_of(nodes, links, arrays: dict, pictures: dict):
    """Colour of the background picture where a pixel looks."""
    behind = _texture(nodes, {"behind": "background"}, arrays, pictures, "behind", "Non-Color")
    behind.extension = "EXTEND"
    links.new(nodes.new("ShaderNodeTexCoord").outputs["Window"], behind.inputs["Vector"])
    return behind.outputs["Color"]
