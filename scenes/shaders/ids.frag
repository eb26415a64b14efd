#version 330 core
in vec2 v_uv;
flat in float v_part;
uniform float instance;          // id / 255
#ifdef CUTOUT
uniform sampler2D albedo_map;
#endif
out vec2 ids;

void main() {
#ifdef CUTOUT
    if (texture(albedo_map, v_uv).a < 0.5) discard;
#endif
    ids = vec2(instance, v_part);
}
