# What touches rasters: GDAL alone, so the precompiled LibTorch header would only slow it down.
set(scene_sources
  accuracy.cpp
  gdal_support.cpp
  map_raster.cpp
  copy_patch.cpp
  raster_alignment.cpp
  raster_writer.cpp
  scene/block_split.cpp
  scene/class_list.cpp
  scene/clean_raster.cpp
  scene/file_role.cpp
  scene/find_files.cpp
  scene/found_file.cpp
  scene/grid.cpp
  scene/label_vector.cpp
  scene/labels.cpp
  scene/modality_groups.cpp
  scene/modality_reader.cpp
  scene/pixel_store.cpp
  scene/reference_grid.cpp
  scene/row_strips.cpp
  scene/scene_guess.cpp
  scene/scene_reader.cpp
  scene/split.cpp
  scene/stac_item.cpp
  scene_data.cpp
  scene_verb.cpp
  synthetic/ground.cpp
  synthetic/ground_truth.cpp
  synthetic/land.cpp
  synthetic/light.cpp
  synthetic/materials.cpp
  synthetic/noise.cpp
  synthetic/parcels.cpp
  synthetic/sensors.cpp
  synthetic/structures.cpp
  synthetic/trees.cpp
  synthetic_scene.cpp)
set_source_files_properties(${scene_sources} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
# The synthetic scene has the same pixels on every machine: no fused multiply-add, which rounds once
# where others round twice.
set_property(SOURCE ${scene_sources} APPEND PROPERTY COMPILE_OPTIONS -ffp-contract=off)
target_sources(executor
  PRIVATE ${scene_sources}
  PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES
    accuracy.h
    gdal_support.h
    map_raster.h
    raster_alignment.h
    raster_writer.h
    scene/block_split.h
    scene/class_list.h
    scene/clean_raster.h
    scene/file_role.h
    scene/found_file.h
    scene/grid.h
    scene/label_vector.h
    scene/labels.h
    scene/modality_groups.h
    scene/modality_reader.h
    scene/pixel_store.h
    scene/reference_grid.h
    scene/row_strips.h
    scene/scene_guess.h
    scene/scene_reader.h
    scene/split.h
    scene/stac_item.h
    scene_data.h
    synthetic/ground.h
    synthetic/ground_truth.h
    synthetic/land.h
    synthetic/light.h
    synthetic/materials.h
    synthetic/noise.h
    synthetic/parcels.h
    synthetic/sensors.h
    synthetic/structures.h
    synthetic/trees.h
    synthetic_scene.h)
target_link_libraries(executor PUBLIC GDAL::GDAL)
