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
motion                    OpenSim .mot files
errors                    the root of all deliberate errors
========================  ==============================================================================

Nothing is imported here, so that a worker pays only for what it uses.
"""
