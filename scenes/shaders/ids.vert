#version 330 core
layout(location = 0) in vec3 position;
layout(location = 2) in vec2 uv;
layout(location = 3) in float part;
uniform mat4 clip_from_world;
out vec2 v_uv;
flat out float v_part;           // decided by the last vertex of a face

void main() {
    v_uv = uv;
    v_part = part;
    gl_Position = clip_from_world * vec4(position, 1.0);
}
