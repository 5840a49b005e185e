"""A scene for any of the zoo's inputs: classes in squares, told apart by every band under noise."""

import json
import os

import numpy
from osgeo import gdal, osr

gdal.UseExceptions()
SIZE = 192  # pixels of the reference grid
SQUARE = 6
COLORS = ("#3478ba", "#5c5c64", "#c84c36", "#a0ce60", "#1a5c34")


def write_raster(file, values, pixels_per_pixel=1):
    """`values`: (bands, rows, columns), with so many pixels for one of the reference grid."""
    bands, rows, columns = values.shape
    kind = gdal.GDT_Byte if values.dtype == numpy.uint8 else gdal.GDT_Float32
    raster = gdal.GetDriverByName("GTiff").Create(file, columns, rows, bands, kind)
    raster.SetGeoTransform((500000, 1 / pixels_per_pixel, 0, 4200000, 0, -1 / pixels_per_pixel))
    system = osr.SpatialReference()
    system.ImportFromEPSG(32634)
    raster.SetProjection(system.ExportToWkt())
    for i in range(bands):
        raster.GetRasterBand(i + 1).WriteArray(values[i])


def write_scene(directory, inputs, num_classes, seed=8):
    """`inputs`: {name: (bands, rows, columns)}, the first at the labels' resolution, the others as
    much finer as their patches are larger."""
    os.makedirs(directory)
    random = numpy.random.default_rng(seed)
    squares = random.integers(1, num_classes + 1, (SIZE // SQUARE, SIZE // SQUARE))
    labels = numpy.kron(squares, numpy.ones((SQUARE, SQUARE))).astype(numpy.uint8)
    write_raster(f"{directory}/labels.tif", labels[None])
    split = numpy.where(numpy.arange(SIZE) < SIZE * 3 // 4, 1, 2)[None] * numpy.ones((SIZE, 1))
    write_raster(f"{directory}/split.tif", split.astype(numpy.uint8)[None])
    base = next(iter(inputs.values()))[1]
    modalities = []
    for name, (bands, rows, _) in inputs.items():
        finer = rows // base
        known = numpy.kron(labels, numpy.ones((finer, finer)))
        means = random.normal(0, 1, (bands, num_classes + 1))
        values = means[:, known.astype(int)] + random.normal(0, 1, (bands, *known.shape))
        write_raster(f"{directory}/{name}.tif", values.astype(numpy.float32), finer)
        modalities.append({"name": name, "num_bands": bands, "raster": f"{name}.tif"})
    document = {
        "format": "cadastre-scene/1", "name": "proof", "labels": "labels.tif",
        "classes": [{"id": i + 1, "name": f"class {i + 1}", "color": COLORS[i % len(COLORS)]}
                    for i in range(num_classes)],
        "modalities": modalities,
        "split": {"raster": "split.tif", "train": 1, "test": 2}}
    with open(f"{directory}/scene.json", "w", encoding="utf-8") as stream:
        json.dump(document, stream, indent=1)
