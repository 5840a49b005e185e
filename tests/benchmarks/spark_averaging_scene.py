"""A scene's samples by GDAL and NumPy, as `cadastre run` has them, where nothing must be warped:
rasters on the label raster's grid, or at integer multiples of its resolution.

Shapes: R rows and C columns of the label raster, B bands, S a modality's pixels per label pixel and
side, P the patch's label pixels a side.
"""

import json
import os

import numpy
from osgeo import gdal

gdal.UseExceptions()


class SceneError(Exception):
    """FILE: what was expected, and what was found."""


def _open(file):
    try:
        return gdal.Open(file)
    except RuntimeError as error:
        raise SceneError(f"{file}: {error}") from None


def _scale(raster, file, labels):
    """S. Raises SceneError where the raster does not cover the label raster's ground exactly."""
    scale = max(1, raster.RasterYSize // labels.RasterYSize)
    size = (labels.RasterYSize * scale, labels.RasterXSize * scale)
    if (raster.RasterYSize, raster.RasterXSize) != size:
        raise SceneError(f"{file}: expected a multiple of the label raster's {labels.RasterYSize} x "
                         f"{labels.RasterXSize} pixels, as nothing is warped here, found "
                         f"{raster.RasterYSize} x {raster.RasterXSize}")
    own, expected = raster.GetGeoTransform(), list(labels.GetGeoTransform())
    for index in (1, 2, 4, 5):
        expected[index] /= scale
    tolerance = 0.01 * abs(expected[1])
    if max(abs(a - b) for a, b in zip(own, expected)) > tolerance:
        raise SceneError(f"{file}: expected the label raster's ground, as nothing is warped here, "
                         f"found the geotransform {own} instead of {tuple(expected)}")
    return scale


def _values(raster, file):
    """(B, R, C) in single precision, NaN where there is no data."""
    bands = []
    for number in range(1, raster.RasterCount + 1):
        band = raster.GetRasterBand(number)
        try:
            values = band.ReadAsArray().astype(numpy.float32)
        except RuntimeError as error:
            raise SceneError(f"{file}: band {number}: {error}") from None
        if band.GetNoDataValue() is not None:
            values[values == numpy.float32(band.GetNoDataValue())] = numpy.nan
        bands.append(values)
    return numpy.stack(bands)


def _standardise(values, scale, train):
    """In place, per band, over the training pixels; what is not finite becomes 0, the mean."""
    mask = numpy.kron(train, numpy.ones((scale, scale), dtype=bool))
    for number, band in enumerate(values, 1):
        seen = band[mask].astype(numpy.float64)
        seen = seen[numpy.isfinite(seen)]
        if seen.size == 0:
            raise ValueError(f"band {number}: expected values at training pixels, found none")
        band -= seen.mean()
        band /= seen.std() or 1.0
        band[~numpy.isfinite(band)] = 0


class Scene:
    """`train` and `test`: (N, 3) of row, column, class number; `class_names`."""

    def __init__(self, place, inputs):
        """`place`: a scene's directory or document; `inputs`: of the model. Raises SceneError."""
        file = os.path.join(place, "scene.json") if os.path.isdir(place) else place
        try:
            with open(file, encoding="utf-8") as stream:
                document = json.load(stream)
        except (OSError, ValueError) as error:
            raise SceneError(f"{file}: {error}") from None
        self._directory = os.path.dirname(file)
        labels_file = self._path(document["labels"])
        labels = _open(labels_file)
        self.num_rows, self.num_columns = labels.RasterYSize, labels.RasterXSize
        self.class_names = [entry["name"] for entry in document["classes"]]
        self._divide(document, labels.ReadAsArray(), labels)
        modalities = {entry["name"]: entry for entry in document["modalities"]}
        self._modalities = []  # (values padded by its mirror image, S)
        self.reference_pixels = None
        for model_input in inputs:
            if model_input["name"] not in modalities:
                raise SceneError(f"{file}: /modalities: expected one named {model_input['name']}, "
                                 f"found {', '.join(modalities)}")
            self._add(model_input, self._path(modalities[model_input["name"]]["raster"]), labels)

    def _path(self, name):
        return os.path.join(self._directory, name)

    def _divide(self, document, classes, labels):
        if not isinstance(document.get("split"), dict) or "raster" not in document["split"]:
            raise SceneError(f"{self._path('scene.json')}: /split: expected one given by a raster")
        file = self._path(document["split"]["raster"])
        raster = _open(file)
        if _scale(raster, file, labels) != 1:
            raise SceneError(f"{file}: expected the label raster's resolution")
        split = raster.ReadAsArray()
        index_of = {entry["id"]: index for index, entry in enumerate(document["classes"])}
        self.train, self.test = (
            numpy.array([(row, column, index_of[classes[row, column]]) for row, column in
                         numpy.argwhere((classes != 0) & (split == document["split"][part]))
                         if classes[row, column] in index_of]).reshape(-1, 3)
            for part in ("train", "test"))
        if not len(self.train):
            raise SceneError(f"{file}: expected labelled training pixels, found none")
        self._train_mask = numpy.zeros(classes.shape, dtype=bool)
        self._train_mask[self.train[:, 0], self.train[:, 1]] = True

    def _add(self, model_input, file, labels):
        num_bands, side, _ = model_input["shape"]
        raster = _open(file)
        if raster.RasterCount != num_bands:
            raise SceneError(f"{file}: expected {num_bands} bands, found {raster.RasterCount}")
        scale = _scale(raster, file, labels)
        pixels = side // scale
        if self.reference_pixels not in (None, pixels) or side % scale:
            raise SceneError(f"{file}: expected patches of the same ground for all inputs, found "
                             f"{side} pixels a side of {scale} in a label pixel")
        self.reference_pixels = pixels
        values = _values(raster, file)
        try:
            _standardise(values, scale, self._train_mask)
        except ValueError as error:
            raise SceneError(f"{file}: {error}") from None
        before, after = pixels // 2 * scale, (pixels - 1 - pixels // 2) * scale
        self._modalities.append((numpy.pad(
            values, ((0, 0), (before, after), (before, after)), mode="symmetric"), scale))

    def patches(self, pixels):
        """Of each modality the patches (N, B, P·S, P·S) around `pixels`, N of row, column, …: from
        row - P/2 on, mirrored at the borders."""
        found = []
        for values, scale in self._modalities:
            side = self.reference_pixels * scale
            patches = numpy.empty((len(pixels), len(values), side, side), dtype=numpy.float32)
            for patch, (row, column, *_) in zip(patches, pixels):
                patch[:] = values[:, row * scale:row * scale + side,
                                  column * scale:column * scale + side]
            found.append(patches)
        return found
