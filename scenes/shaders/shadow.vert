#version 330 core
layout(location = 0) in vec3 position;
layout(location = 2) in vec2 uv;
uniform mat4 clip_from_world;
#ifdef CUTOUT
out vec2 v_uv;
#endif

void main() {
#ifdef CUTOUT
    v_uv = uv;
#endif
    gl_Position = clip_from_world * vec4(position, 1.0);
}
