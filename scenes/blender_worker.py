"""Runs inside Blender's Python: reads a scene's arrays, path-traces it, writes linear light and exact ids.

Started by scenes.blender as `PYTHON blender_worker.py FOLDER` or `blender --background --python blender_worker.py --
FOLDER`; imports nothing of this project, so that Blender may bring its own numpy. Each line on stdin names a scene file
in FOLDER; the answer is a line that begins with MARK.

Blender's world: x forward, y left, z up; arrays arrive in it already.
"""

import importlib.util
import json
import sys
import traceback
from pathlib import Path

import numpy as np

MARK = "synthgen-frame"


def _neighbour(name: str):
    """A module beside this file, found without the package: Blender's Python need not know it."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


look = _neighbour("blender_look")


def main(folder: Path) -> None:
    """Serve scenes until stdin ends."""
    import bpy

    print(MARK, "ready", bpy.app.version_string, flush=True)
    for line in sys.stdin:
        try:
            with np.load(folder / line.strip(), allow_pickle=False) as file:
                render_file({name: file[name] for name in file.files}, folder)
            print(MARK, "done", flush=True)
        except Exception as error:  # noqa: BLE001 - every failure is told to the parent, which raises it
            traceback.print_exc()
            print(MARK, "failed", f"{type(error).__name__}: {error}".replace("\n", " "), flush=True)


def render_file(arrays: dict, folder: Path) -> None:
    """Draw one scene; writes frame.npz with `light` (H, W, 4) and `ids` (H, W, 4): instance, part, depth, covered."""
    import bpy

    meta = json.loads(str(arrays["meta"]))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    _set_up(scene, meta)
    _camera(scene, meta["camera"])
    _world(scene, arrays, meta["plate"])
    _sun(scene, meta["sun"])
    pictures: dict = {}
    objects = [_part(scene, part, i, arrays, pictures) for i, part in enumerate(meta["parts"])]
    light = _shoot(scene, folder)
    _exact(scene)
    for obj, part in zip(objects, meta["parts"], strict=True):
        obj.is_shadow_catcher = False
        obj.data.materials[0] = look.id_material(part, arrays, pictures, normals=False)
    found = {"light": light, "ids": _shoot(scene, folder)}
    if meta["normals"]:
        for obj, part in zip(objects, meta["parts"], strict=True):
            obj.data.materials[0] = look.id_material(part, arrays, pictures, normals=True)
        found["normals"] = _shoot(scene, folder)
    np.savez(folder / "frame.npz", **found)  # type: ignore[arg-type]  # its stub takes every keyword for allow_pickle


def _set_up(scene, meta: dict) -> None:
    import bpy

    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = meta["width"], meta["height"], 100
    render.film_transparent = not meta["plate"]
    render.use_persistent_data = True
    render.dither_intensity = 0.0
    if meta["threads"]:
        render.threads_mode, render.threads = "FIXED", meta["threads"]
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGBA", "32"
    settings.exr_codec = "NONE"
    cycles.device = "CPU"
    if meta["device"] != "cpu":
        chosen = bpy.context.preferences.addons["cycles"].preferences
        chosen.compute_device_type = meta["device"].upper()
        chosen.get_devices()
        found = [device for device in chosen.devices if device.type == meta["device"].upper()]
        if not found:
            raise RuntimeError(f"Blender sees no {meta['device']} device")
        for device in chosen.devices:
            device.use = device in found
        cycles.device = "GPU"
    cycles.seed = 0
    cycles.samples = meta["samples"]
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = meta["denoise"]
    if meta["denoise"]:
        cycles.denoiser, cycles.denoising_input_passes = "OPENIMAGEDENOISE", "RGB_ALBEDO_NORMAL"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 3, 2
    cycles.transparent_max_bounces = 64
    cycles.sample_clamp_indirect = 4.0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    if meta["engine"] == "eevee":
        known = render.bl_rna.properties["engine"].enum_items.keys()
        render.engine = "BLENDER_EEVEE" if "BLENDER_EEVEE" in known else "BLENDER_EEVEE_NEXT"  # 4.2 to 4.5
        scene.eevee.taa_render_samples = meta["samples"]


def _exact(scene) -> None:
    """One ray through the centre of each pixel, no light: what surfaces emit is what the file holds."""
    cycles = scene.cycles
    scene.render.engine = "CYCLES"
    scene.render.film_transparent = True
    cycles.samples, cycles.use_denoising = 1, False
    cycles.pixel_filter_type, cycles.filter_width = "BOX", 0.01
    cycles.max_bounces = 0
    cycles.transparent_max_bounces = 128


def _shoot(scene, folder: Path) -> np.ndarray:
    """(H, W, 4) float32 premultiplied, row 0 on top."""
    import bpy

    path = folder / "shot.exr"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    image.alpha_mode = "PREMUL"
    width, height = image.size
    flat = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(flat)
    bpy.data.images.remove(image)
    return np.ascontiguousarray(flat.reshape(height, width, 4)[::-1])


def _camera(scene, meta: dict) -> None:
    import bpy
    from mathutils import Matrix

    camera = bpy.data.cameras.new("camera")
    camera.sensor_fit, camera.sensor_width = "HORIZONTAL", 36.0
    camera.lens = 36.0 * meta["focal"]
    camera.shift_x, camera.shift_y = meta["shift"]
    camera.clip_start, camera.clip_end = 0.01, 1000.0
    scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = meta["aspect"]
    obj = bpy.data.objects.new("camera", camera)
    obj.matrix_world = Matrix(meta["world"])
    scene.collection.objects.link(obj)
    scene.camera = obj


def _world(scene, arrays: dict, plate: bool) -> None:
    """The environment lights; with `plate` the camera sees the background picture instead of it."""
    import bpy

    world = bpy.data.worlds.new("world")
    scene.world = world
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes.clear()
    texture = nodes.new("ShaderNodeTexEnvironment")
    texture.image = look.picture("environment", arrays["environment"], color="Non-Color")
    light = nodes.new("ShaderNodeBackground")
    links.new(texture.outputs["Color"], light.inputs["Color"])
    shader = light.outputs["Background"]
    if plate:
        seen, mix = nodes.new("ShaderNodeBackground"), nodes.new("ShaderNodeMixShader")
        links.new(look.behind_of(nodes, links, arrays, {}), seen.inputs["Color"])
        links.new(nodes.new("ShaderNodeLightPath").outputs["Is Camera Ray"], mix.inputs[0])
        links.new(shader, mix.inputs[1])
        links.new(seen.outputs["Background"], mix.inputs[2])
        shader = mix.outputs[0]
    links.new(shader, nodes.new("ShaderNodeOutputWorld").inputs["Surface"])


def _sun(scene, meta: dict | None) -> None:
    import bpy
    from mathutils import Vector

    if meta is None:
        return
    sun = bpy.data.lights.new("sun", "SUN")
    sun.energy, sun.color, sun.angle = meta["energy"], meta["color"], meta["angle"]
    obj = bpy.data.objects.new("sun", sun)
    obj.rotation_euler = Vector(meta["direction"]).to_track_quat("Z", "Y").to_euler()
    scene.collection.objects.link(obj)


def _part(scene, part: dict, number: int, arrays: dict, pictures: dict):
    """A mesh object with its look."""
    import bpy

    points, faces = arrays[f"points{number}"], arrays[f"faces{number}"]
    mesh = bpy.data.meshes.new(part["name"])
    mesh.vertices.add(len(points))
    mesh.vertices.foreach_set("co", points.astype(np.float32).reshape(-1))
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.astype(np.int32).reshape(-1))
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    if f"uv{number}" in arrays:
        layer = mesh.uv_layers.new(name="uv")
        corners = arrays[f"uv{number}"][faces.reshape(-1)].astype(np.float32)
        layer.uv.foreach_set("vector", np.ascontiguousarray(corners).reshape(-1))
    attribute = mesh.attributes.new("part", "FLOAT", "FACE")
    attribute.data.foreach_set("value", arrays[f"parts{number}"].astype(np.float32))
    mesh.update(calc_edges=True)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    mesh.normals_split_custom_set_from_vertices(arrays[f"normals{number}"].tolist())
    mesh.materials.append(look.material_of(part, arrays, pictures))
    obj = bpy.data.objects.new(part["name"], mesh)
    scene.collection.objects.link(obj)
    if not part["casts_shadow"]:  # far scenery lets light through, as for the rasteriser
        obj.visible_diffuse = obj.visible_shadow = obj.visible_transmission = obj.visible_volume_scatter = False
        obj.visible_glossy = False
    obj.is_shadow_catcher = part["shadow_catcher"]
    return obj


if __name__ == "__main__":
    main(Path(sys.argv[-1]))
