"""The spine as mechanics: names and facts, ranges, an OpenSim model, kinematics, rhythm, motion.

========================  ==============================================================================
anatomy                   names of bodies, levels and coordinates; joints; the table of dimensions
limits                    hard and typical range of every coordinate, caps on whole regions
neutral, geometry         where joints sit: the average adult, or any skeleton measured elsewhere
osim_xml, model           the skeleton as .osim text, loaded in OpenSim as a SpineModel
kinematics                coordinates to world_from_body, through OpenSim
kinematics_numpy          the same in numpy: test reference, inverse problems
rhythm                    regional angles to level angles: shares, coupling, clamping
activities                what people do, as pose generators
inverse_legs, collision   closed-form limbs; self-penetration on capsules
plausibility              what a set of poses looks like against published norms
motion                    OpenSim .mot and .sto files
motion_import             any motion file on our skeleton: motion_sources reads it, motion_filter smooths it,
                          motion_clamp keeps it in range, foot_contact and floor stand it on the floor
bvh, bvh_maps, bvh_axes   .bvh files: joints, what their names and axes mean; bvh_retarget, bvh_limbs put them on us
trunk                     pelvis, thorax and head orientations to 25 levels
published                 any published OpenSim model as motion of our levels and limbs
published_mapping         which of its bodies and coordinates are which vertebrae: data/model_maps/*.yaml
published_rhythm          its own rhythm and ranges, laid over a person's limits
published_inspect         what there is to know about it; published_build writes our own in a person's size
errors                    the root of all deliberate errors
========================  ==============================================================================

Nothing is imported here, so that a worker pays only for what it uses.
"""
