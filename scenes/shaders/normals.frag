#version 330 core
in vec2 v_uv;
in vec3 v_normal;
in vec3 v_place;
#ifdef CUTOUT
uniform sampler2D albedo_map;
#endif
layout(location = 0) out vec4 normal;

void main() {
#ifdef CUTOUT
    if (texture(albedo_map, v_uv).a < 0.5) discard;
#endif
    vec3 n = normalize(v_normal);
#ifdef DOUBLE_SIDED
    n *= dot(n, v_place) > 0.0 ? -1.0 : 1.0;
#endif
    normal = vec4(n, 1.0);
}
