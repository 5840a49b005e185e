# What touches rasters: GDAL alone, so the precompiled LibTorch header would only slow it down.
set(scene_sources
  accuracy.cpp
  gdal_support.cpp
  map_raster.cpp
  patches.cpp
  raster_alignment.cpp
  raster_writer.cpp
  scene_data.cpp)
set_source_files_properties(${scene_sources} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
target_sources(executor
  PRIVATE ${scene_sources}
  PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES
    accuracy.h
    gdal_support.h
    map_raster.h
    raster_alignment.h
    raster_writer.h
    scene_data.h)
target_link_libraries(executor PUBLIC GDAL::GDAL)
