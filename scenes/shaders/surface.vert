#version 330 core
// Lights a vertex: image-based ambient, one sun, Fresnel. Human meshes have about one vertex per few pixels, so what
// varies slowly over the surface is computed here and only texture and shadow are left to the fragments.
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec2 uv;

uniform mat4 clip_from_world;
uniform mat4 shadow_from_world;
uniform vec4 contact_frame;      // xz origin and 1 / size of the contact map
uniform vec3 eye;
uniform vec3 sh[9];              // basis constants folded in
uniform vec3 sun_direction;
uniform vec3 sun_color;          // irradiance / pi, times exposure
uniform vec4 surface;            // roughness, specular at normal incidence, wrap, shadow normal offset in metres
uniform float exposure;
uniform float env_level;         // mip level of the prefiltered environment for this roughness
uniform sampler2D environment;

out vec3 v_ambient;
out vec3 v_sun;
out vec3 v_gloss;
out vec3 v_sun_gloss;
#ifdef TEXTURED
out vec2 v_uv;
#endif
#ifdef SHADOWED
out vec3 v_shadow;
#endif
#ifdef CONTACT
out vec3 v_contact;
#endif
#ifdef FADING
out vec2 v_place;
#endif

vec3 irradiance(vec3 n) {
    return max(sh[0] + sh[1] * n.y + sh[2] * n.z + sh[3] * n.x + sh[4] * (n.x * n.y) + sh[5] * (n.y * n.z)
        + sh[6] * (3.0 * n.z * n.z - 1.0) + sh[7] * (n.x * n.z) + sh[8] * (n.x * n.x - n.y * n.y), vec3(0.0));
}

vec3 reflected(vec3 r) {
#ifndef GLOSSY
    return irradiance(r);        // a rough lobe is about as wide as the cosine
#else
    vec2 at = vec2(0.5 + atan(r.z, r.x) * 0.15915494, acos(clamp(r.y, -1.0, 1.0)) * 0.31830989);
    return exposure * textureLod(environment, at, env_level).rgb;
#endif
}

void main() {
    vec3 to_eye = normalize(eye - position);
    vec3 n = normalize(normal);
#ifdef DOUBLE_SIDED
    if (dot(n, to_eye) < 0.0) n = -n;
#endif
    float roughness = surface.x;
    float facing = clamp(dot(n, to_eye), 0.0, 1.0);
    float grazing = 1.0 - facing;
    float grazing2 = grazing * grazing;
    float rim = 0.5 * (max(1.0 - roughness, surface.y) - surface.y);  // halved: folds and jaw shade themselves
    float fresnel = surface.y + rim * grazing2 * grazing2 * grazing;

    v_ambient = irradiance(n) * (1.0 - fresnel);
    v_gloss = reflected(reflect(-to_eye, n)) * fresnel;

    float toward = dot(n, sun_direction);
    float lit = max((toward + surface.z) / (1.0 + surface.z), 0.0);
    v_sun = sun_color * lit * (1.0 - surface.y);
    vec3 h = normalize(to_eye + sun_direction);
    float a2 = roughness * roughness * roughness * roughness;
    float nh = clamp(dot(n, h), 0.0, 1.0);
    float d = nh * nh * (a2 - 1.0) + 1.0;
    float lh = clamp(dot(sun_direction, h), 0.0, 1.0);
    // GGX with the visibility and Fresnel terms folded into one denominator; the 1 / pi is in sun_color
    float lobe = a2 / (d * d * max(lh * lh, 0.1) * (4.0 * roughness * roughness + 2.0));
    v_sun_gloss = sun_color * (lobe * surface.y * max(toward, 0.0));

#ifdef TEXTURED
    v_uv = uv;
#endif
#ifdef SHADOWED
    // pushed along the normal so that a surface does not shade itself, more where the sun grazes
    vec3 lifted = position + n * (surface.w * (1.0 - 0.7 * clamp(toward, 0.0, 1.0)));
    v_shadow = (shadow_from_world * vec4(lifted, 1.0)).xyz;
#endif
#ifdef CONTACT
    v_contact = vec3((position.xz - contact_frame.xy) * contact_frame.zw, n.y);
#endif
#ifdef FADING
    v_place = position.xz;
#endif
    gl_Position = clip_from_world * vec4(position, 1.0);
}
