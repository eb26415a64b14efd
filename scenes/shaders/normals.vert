#version 330 core
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec2 uv;
uniform mat4 clip_from_world;
uniform mat3 cam_from_world;
uniform vec3 cam_origin;         // the world's origin in camera axes
out vec2 v_uv;
out vec3 v_normal;               // camera axes
out vec3 v_place;

void main() {
    v_uv = uv;
    v_normal = cam_from_world * normal;
    v_place = cam_from_world * position + cam_origin;
    gl_Position = clip_from_world * vec4(position, 1.0);
}
