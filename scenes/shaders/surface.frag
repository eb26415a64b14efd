#version 330 core
// Texture times light, sun behind a filtered shadow, filmic curve. Textures hold the square root of linear colour.
in vec3 v_ambient;
in vec3 v_sun;
in vec3 v_gloss;
in vec3 v_sun_gloss;
#ifdef TEXTURED
in vec2 v_uv;
uniform sampler2D albedo_map;
#endif
#ifdef SHADOWED
in vec3 v_shadow;
uniform sampler2DShadow shadow_map;
uniform float shadow_texel;
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
out vec4 color;

// Filmic curve after Hejl and Burgess-Dawson: a rational fit that holds the sRGB transfer as well.
vec3 developed(vec3 x) {
    x = max(x - 0.004, 0.0);
    return (x * (6.2 * x + 0.5)) / (x * (6.2 * x + 1.7) + 0.06);
}

void main() {
    vec3 albedo = base_color;
    float alpha = 1.0;
#ifdef TEXTURED
    vec4 texel = texture(albedo_map, v_uv);
    albedo *= texel.rgb * texel.rgb;
#ifdef CUTOUT
#ifdef COVERAGE
    // sharpened to about a pixel and turned into sample coverage, so that hair keeps a soft edge
    alpha = clamp((texel.a - 0.5) / max(fwidth(texel.a), 1e-3) + 0.5, 0.0, 1.0);
    if (alpha <= 0.0) discard;
#else
    if (texel.a < 0.5) discard;
#endif
#endif
#endif
#ifdef UNLIT
    color = vec4(mix(albedo * 12.92, 1.055 * pow(albedo, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, albedo)), alpha);
#else
    float sun = 1.0;
    vec3 ambient = v_ambient;
#ifdef SHADOWED
    // two bilinear comparisons on the diagonal: a penumbra of three texels for half the price of a square of four
    vec3 at = vec3(v_shadow.xy, min(v_shadow.z, 0.99999));
    sun = 0.5 * (texture(shadow_map, at - vec3(0.45, 0.45, 0.0) * shadow_texel)
        + texture(shadow_map, at + vec3(0.45, 0.45, 0.0) * shadow_texel));
#endif
#ifdef CONTACT
    float open = 1.0 - texture(contact_map, v_contact.xy).r * clamp(v_contact.z * 4.0 - 2.8, 0.0, 1.0);
    ambient *= open;
    sun *= 0.4 + 0.6 * open;
#endif
    vec3 light = albedo * (ambient + v_sun * sun) + v_gloss + v_sun_gloss * sun;
    color = vec4(developed(light), alpha);
#endif
#ifdef FADING
    // premultiplied: nothing but the background lies behind, so the compositor finishes the blend
    color *= 1.0 - smoothstep(fade.z, fade.w, distance(v_place, fade.xy));
#endif
}
