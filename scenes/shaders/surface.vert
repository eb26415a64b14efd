#version 330 core
// Lights a vertex: image-based ambient, one sun, Fresnel. Human meshes have about one vertex per few pixels, so what
// varies slowly over the surface is computed here and only texture and shadow are left to the fragments.
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec2 uv;
layout(location = 3) in float part;
layout(location = 4) in float shade;  // baked openness to the sky

uniform mat4 clip_from_world;
uniform mat4 shadow_from_world;
uniform vec4 contact_frame;      // xz origin and 1 / size of the contact map
uniform vec3 eye;
uniform vec3 sh[9];              // basis constants folded in
uniform vec3 sun_direction;
uniform vec3 sun_color;          // irradiance / pi, times exposure
uniform vec2 flesh;              // subsurface, sheen
uniform vec4 surface;            // roughness, specular at normal incidence, wrap, shadow normal offset in metres
uniform float exposure;
uniform float env_level;         // mip level of the prefiltered environment for this roughness
uniform sampler2D environment;
#ifdef OCCLUDED
uniform sampler3D occlusion_map;
uniform vec3 occlusion_corner;
uniform vec4 occlusion_size;     // 1 / sides of the grid, cell in metres
#endif
#ifdef RELIEF
uniform mat3 cam_from_world;
out vec2 v_tilt;                 // share of light won per unit of slope towards the camera's right and down
#endif

flat out float v_part;           // decided by the last vertex of a face
out vec3 v_ambient;
out vec3 v_sun;
out vec3 v_gloss;
out vec3 v_sun_gloss;
#ifdef PLACED
out vec2 v_uv;
#endif
#ifdef SHADOWED
out vec4 v_shadow;                // w: how much of the shadow holds; none at the terminator, which shades itself
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
    vec3 outward = n;
#ifdef DOUBLE_SIDED
    float seen = dot(n, to_eye);
    if (seen < 0.0) n = -n;
    if (seen < -0.35) outward = n;   // a little past the horizon lies the outside still: no dark rim
#endif
    float roughness = surface.x;
    float facing = clamp(dot(n, to_eye), 0.0, 1.0);
    float grazing = 1.0 - facing;
    float grazing2 = grazing * grazing;
    float rim = 0.5 * (max(1.0 - roughness, surface.y) - surface.y);  // halved: folds and jaw shade themselves
    float fresnel = surface.y + rim * grazing2 * grazing2 * grazing;

    float fuzz = 1.0 + 3.0 * flesh.y * grazing2 * grazing;
    vec3 sky = irradiance(n);
    float open = shade;
#ifdef OCCLUDED
    // what stands in the way beyond a vertex's own surface, close by and a little further out
    vec3 from = position - occlusion_corner;
    float fine = texture(occlusion_map, (from + outward * (2.2 * occlusion_size.w)) * occlusion_size.xyz).r;
    float coarse = texture(occlusion_map, (from + outward * (4.0 * occlusion_size.w)) * occlusion_size.xyz).g;
    // never quite dark: what hides the sky sends some of it on
    open *= 0.22 + 0.78 * exp2(-3.0 * max(fine - 0.10, 0.0) - 3.0 * max(coarse - 0.08, 0.0));
#endif
    v_ambient = sky * ((1.0 - fresnel) * fuzz * open);
    v_gloss = reflected(reflect(-to_eye, n)) * (fresnel * open * open);

    float toward = dot(n, sun_direction);
    // light that went under the skin comes out past the terminator, red furthest
    vec3 wrap = surface.z + flesh.x * vec3(0.38, 0.13, 0.06);
    vec3 lit = max((toward + wrap) / (1.0 + wrap), 0.0);
    v_sun = sun_color * lit * ((1.0 - surface.y) * fuzz * (0.5 + 0.5 * shade));
    vec3 h = normalize(to_eye + sun_direction);
    float a2 = roughness * roughness * roughness * roughness;
    float nh = clamp(dot(n, h), 0.0, 1.0);
    float d = nh * nh * (a2 - 1.0) + 1.0;
    float lh = clamp(dot(sun_direction, h), 0.0, 1.0);
    // GGX with the visibility and Fresnel terms folded into one denominator; the 1 / pi is in sun_color
    float lobe = a2 / (d * d * max(lh * lh, 0.1) * (4.0 * roughness * roughness + 2.0));
    v_sun_gloss = sun_color * (lobe * surface.y * max(toward, 0.0));

#ifdef PLACED
    v_uv = uv;
#endif
#ifdef SHADOWED
    // pushed along the normal so that a surface does not shade itself, more where the sun grazes
    vec3 lifted = position + n * (surface.w * (1.0 - 0.7 * clamp(toward, 0.0, 1.0)));
    v_shadow = vec4((shadow_from_world * vec4(lifted, 1.0)).xyz, flesh.x > 0.0 ? smoothstep(-0.15, 0.25, toward) : 1.0);
#endif
#ifdef RELIEF
    vec3 luma = vec3(0.25, 0.65, 0.10);
    float from_sun = dot(sun_color, luma) * smoothstep(-0.2, 0.2, toward);
    vec3 gradient = vec3(dot(sh[3], luma), dot(sh[1], luma), dot(sh[2], luma)) + from_sun * sun_direction;
    v_tilt = (cam_from_world * gradient).xy / (dot(sky, luma) + from_sun * max(toward, 0.15) + 1e-4);
#endif
#ifdef CONTACT
    v_contact = vec3((position.xz - contact_frame.xy) * contact_frame.zw, n.y);
#endif
#ifdef FADING
    v_place = position.xz;
#endif
    v_part = part;
    gl_Position = clip_from_world * vec4(position, 1.0);
}
