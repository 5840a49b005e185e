# What touches rasters: GDAL alone, so the precompiled LibTorch header would only slow it down.
set(scene_sources
  accuracy.cpp
  gdal_support.cpp
  map_raster.cpp
  patches.cpp
  raster_alignment.cpp
  raster_writer.cpp
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
    map_raster.h
    raster_alignment.h
    raster_writer.h
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
