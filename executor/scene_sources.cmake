# What touches rasters: GDAL alone, so the precompiled LibTorch header would only slow it down.
set(scene_sources
  accuracy.cpp
  gdal_support.cpp
  copy_patch.cpp
  predict/area_estimate.cpp
  predict/map_files.cpp
  predict/map_work.cpp
  predict/partial_map.cpp
  predict/pixel_area.cpp
  predict/tile_blender.cpp
  predict/tile_grid.cpp
  predict/tile_scores.cpp
  predict/window_source.cpp
  raster_alignment.cpp
  raster_writer.cpp
  scene/block_split.cpp
  scene/clean_raster.cpp
  scene/grid.cpp
  scene/label_vector.cpp
  scene/labels.cpp
  scene/modality_reader.cpp
  scene/pixel_store.cpp
  scene/reference_grid.cpp
  scene/row_strips.cpp
  scene/scene_reader.cpp
  scene/split.cpp
  scene_data.cpp
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
    predict/area_estimate.h
    predict/blocking_queue.h
    predict/map_files.h
    predict/map_work.h
    predict/partial_map.h
    predict/pixel_area.h
    predict/tile_blender.h
    predict/tile_grid.h
    predict/tile_scores.h
    predict/window_source.h
    raster_alignment.h
    raster_writer.h
    scene/block_split.h
    scene/clean_raster.h
    scene/grid.h
    scene/label_vector.h
    scene/labels.h
    scene/modality_reader.h
    scene/pixel_store.h
    scene/reference_grid.h
    scene/row_strips.h
    scene/scene_reader.h
    scene/split.h
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
