"""The spine as mechanics: names and facts, ranges, an OpenSim model, kinematics, rhythm, motion.

The skeleton
    anatomy                 names of bodies, levels and coordinates; joints; the table of dimensions
    limits                  hard and typical range of every coordinate, caps on whole regions
    neutral, geometry       where joints sit: the average adult, or any skeleton measured elsewhere
    osim_xml, model         the skeleton as .osim text and as a SpineModel, which OpenSim loads where it is asked
    osim_geometry           joint placement read back from such text
    kinematics              coordinates to world_from_body, through OpenSim
    kinematics_numpy        the same in numpy: test reference, inverse problems
    rhythm                  regional angles to level angles: shares, coupling, clamping

People
    profiles                limits and neutral posture by age, sex and training
    pathology               scoliosis, kyphosis, lordosis, slipped and fused vertebrae, as data
    curvature               gives a skeleton another rest curvature, in balance
    cobb                    Cobb angles from vertebra frames

Poses
    activities              what people do, as pose generators
    inverse_legs            limbs in closed form
    collision               self-penetration on capsules
    coverage                how much of the spine's volume a set of poses fills
    plausibility            what a set of poses looks like against published norms: the report, as data

Published models
    published               any published OpenSim model as motion of our levels and limbs
    published_mapping       which of its bodies and coordinates are which vertebrae: data/model_maps/*.yaml
    published_reader        its .osim as plain data: published_source, published_functions
    published_joints        its joints and couplers in numpy
    published_levels        which of them make up which level; published_limbs, published_fill for the rest
    published_rhythm        its own rhythm and ranges, laid over a person's limits
    published_inspect       what there is to know about it; published_check tries its map out in OpenSim
    published_build         writes our own in a person's size

Inverse kinematics
    inverse_kinematics      coordinates from measured points, many frames at once
    kinematic_tree          the bodies that carry the points, and the motion each coordinate causes
    normal_equations        cost and normal equations without the Jacobian
    spine_drive             what may turn: the spine by region or level by level
    inverse_start           where the solution starts
    trunk                   pelvis, thorax and head orientations to 25 levels

Markers
    marker_files, c3d       .trc and .c3d files
    marker_maps             which marker sits where: data/marker_maps/*.yaml
    scaling                 a skeleton of the person's size from marker distances
    marker_calibration      scale factors and marker places fitted to some frames
    marker_motion           markers to motion: all of these in a row

Motion
    motion                  OpenSim .mot and .sto files
    bvh                     .bvh files: joints in every frame
    bvh_maps, bvh_axes      what their names and axes mean: data/bvh_maps/*.yaml
    bvh_retarget, bvh_limbs put them on our skeleton
    motion_import           any motion file on our skeleton, in range, on the floor
    motion_sources          how it reads each kind; motion_filter smooths, motion_clamp keeps in range
    foot_contact, floor     when feet stand, and on what

errors                      the root of all deliberate errors

Nothing is imported here, so that a worker pays only for what it uses.
"""
