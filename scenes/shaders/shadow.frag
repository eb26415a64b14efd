#version 330 core
#ifdef CUTOUT
in vec2 v_uv;
uniform sampler2D albedo_map;
#endif

void main() {
#ifdef CUTOUT
    if (texture(albedo_map, v_uv).a < 0.5) discard;
#endif
}
