#version 330 core
// Texture times light, sun behind a filtered shadow, filmic curve. Textures hold the square root of linear colour.
in vec3 v_ambient;
in vec3 v_sun;
in vec3 v_gloss;
in vec3 v_sun_gloss;
flat in float v_part;
#ifdef PLACED
in vec2 v_uv;
#endif
#ifdef TEXTURED
uniform sampler2D albedo_map;
#endif
#ifdef RELIEF
in vec2 v_tilt;
uniform sampler2D relief_map;
uniform vec4 relief;             // repeats along u and v, slope at full scale, share of gloss that valleys lose
#endif
#ifdef SHADOWED
in vec4 v_shadow;
uniform sampler2DShadow shadow_map;
uniform vec2 shadow_texel;
#endif
#ifdef CONTACT
in vec3 v_contact;
uniform sampler2D contact_map;
#endif
#ifdef FADING
in vec2 v_place;
uniform vec4 fade;             // xz centre, start and end radius in metres
#endif
uniform vec3 base_color;         // linear
uniform vec2 identity;           // instance and number of the draw call, / 255
#ifdef BLEEDING
uniform float bleeding;
#endif
layout(location = 0) out vec4 color;
layout(location = 1) out vec4 ids;

// Filmic curve after Hejl and Burgess-Dawson: a rational fit that holds the sRGB transfer as well.
vec3 developed(vec3 x) {
    x = max(x - 0.004, 0.0);
    return (x * (6.2 * x + 0.5)) / (x * (6.2 * x + 1.7) + 0.06);
}

void main() {
    vec3 albedo = base_color;
#ifdef FRINGE
    float alpha = 1.0;
#endif
#ifdef TEXTURED
    vec4 texel = texture(albedo_map, v_uv);
    albedo *= texel.rgb * texel.rgb;
#ifdef CUTOUT
#ifdef FRINGE
    // what was not cut out, blended over the rest, last: a rim sharpened to a pixel where the picture is enlarged, and
    // the coverage itself where it is reduced, so that far nets and strands thin out instead of breaking up
    vec2 size = vec2(textureSize(albedo_map, 0));
    float texels = max(length(dFdx(v_uv) * size), length(dFdy(v_uv) * size));
    float rim = clamp((texel.a - 0.5) / max(fwidth(texel.a), 1e-3) + 0.5, 0.0, 1.0);
    alpha = mix(rim, texel.a, smoothstep(0.7, 1.6, texels));
    if (texel.a >= 0.5 || alpha <= 0.01) discard;
#else
    if (texel.a < 0.5) discard;
#endif
#endif
#endif
#ifdef UNLIT
    color = vec4(mix(albedo * 12.92, 1.055 * pow(albedo, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, albedo)), 1.0);
#else
    vec3 sun = vec3(1.0);
    vec3 ambient = v_ambient;
    float gloss = 1.0;
#ifdef SHADOWED
    // two bilinear comparisons on the diagonal: a penumbra of three texels for half the price of a square of four
    vec3 at = vec3(v_shadow.xy, min(v_shadow.z, 0.99999));
    float bare = 0.5 * (texture(shadow_map, at - vec3(0.45 * shadow_texel, 0.0))
        + texture(shadow_map, at + vec3(0.45 * shadow_texel, 0.0)));
    bare = 1.0 - (1.0 - bare) * v_shadow.w;
    sun = vec3(bare);
#ifdef BLEEDING
    sun += bleeding * bare * (1.0 - bare) * vec3(0.7, 0.0, -0.2);
#endif
#endif
#ifdef CONTACT
    float open = 1.0 - texture(contact_map, v_contact.xy).r * clamp(v_contact.z * 4.0 - 2.8, 0.0, 1.0);
    ambient *= open;
    sun *= 0.4 + 0.6 * open;
#endif
#ifdef CATCHER
    // what is left of the light darkens the background; screen codes go with about the square root of light
    vec3 luma = vec3(0.25, 0.65, 0.10);
    float left = dot(ambient + v_sun * sun, luma) / max(dot(v_ambient + v_sun, luma), 1e-4);
    color = vec4(0.0, 0.0, 0.0, 1.0 - sqrt(clamp(left, 0.0, 1.0)));
#else
#ifdef RELIEF
    vec2 place = v_uv * relief.xy;
    vec3 bump = texture(relief_map, place).rgb;
    vec2 right = dFdx(place), down = dFdy(place);
    vec2 slope = (bump.xy * 2.0 - 1.0039) * relief.z * inversesqrt(max(abs(right.x * down.y - right.y * down.x), 1e-9));
    float tilt = clamp(dot(vec2(dot(slope, right), dot(slope, down)), v_tilt), -0.7, 0.7);
    ambient *= 1.0 - tilt;
    sun *= 1.0 - tilt;
    gloss = 1.0 + relief.w * (2.0 * bump.z - 1.0);
#endif
    vec3 light = albedo * (ambient + v_sun * sun) + (v_gloss + v_sun_gloss * sun) * gloss;
    color = vec4(developed(light), 1.0);
#endif
#endif
#ifdef FRINGE
    color *= alpha;
#endif
    ids = vec4(identity.x, v_part, identity.y, 1.0);
#ifdef FADING
    // premultiplied: nothing but the background lies behind, so the compositor finishes the blend
    color *= 1.0 - smoothstep(fade.z, fade.w, distance(v_place, fade.xy));
#endif
}
