// Folders as people have them: what `cadastre scene` makes of each, or what it says is wrong.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "executor/gdal_support.h"
#include "executor/scene_data.h"
#include "executor/verbs.h"
#include "planner/scene.h"
#include "tests/executor/raster_fixture.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::input_error;
using test::TinyRaster;
using test::write_tiny_raster;

/// A folder of the tiny scene's rasters, of which one is then spoilt.
class Folder {
 public:
  Folder() { static_cast<void>(test::write_tiny_scene(directory_.path())); }

  [[nodiscard]] fs::path path(const std::string& name) const { return directory_.path() / name; }

  /// `cadastre scene FOLDER ARGUMENTS… --json`: the JSON object that it prints.
  [[nodiscard]] nlohmann::json made(const std::vector<std::string>& arguments = {}) const {
    CLI::App program;
    add_scene_verb(program);
    std::vector<std::string> words = {"scene", directory_.path().string(), "--json"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::reverse(words.begin(), words.end());  // as CLI11 takes them
    std::ostringstream printed;
    std::streambuf* const before = std::cout.rdbuf(printed.rdbuf());
    try {
      program.parse(words);
    } catch (...) {
      std::cout.rdbuf(before);
      throw;
    }
    std::cout.rdbuf(before);
    return nlohmann::json::parse(printed.str());
  }

  [[nodiscard]] std::vector<std::string> notes() const {
    return made().at("notes").get<std::vector<std::string>>();
  }

  /// Its refusal, FOLDER/ left out; nothing may be written.
  [[nodiscard]] std::string refusal(const std::vector<std::string>& arguments = {}) const {
    std::string message = input_error([&] { static_cast<void>(made(arguments)); });
    CHECK_FALSE(fs::exists(path("scene.json")));
    const std::string folder = directory_.path().string() + "/";
    for (std::size_t at = message.find(folder); at != std::string::npos; at = message.find(folder))
      message.erase(at, folder.size());
    return message;
  }

  [[nodiscard]] Scene scene() const {
    static_cast<void>(made());
    return read_scene(directory_.path());
  }

  /// A virtual raster of 8 × 8 pixels with what GDAL's GeoTIFF would not keep.
  void write_vrt(const std::string& name, const std::string& place, const std::string& type,
                 const std::string& of_band, const std::string& source) const {
    std::ofstream(path(name)) << "<VRTDataset rasterXSize=\"8\" rasterYSize=\"8\">" << place
                              << "<VRTRasterBand dataType=\"" << type << "\" band=\"1\">" << of_band
                              << "<SimpleSource><SourceFilename relativeToVRT=\"1\">" << source
                              << "</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
                                 "</VRTRasterBand></VRTDataset>";
  }

 private:
  test::TemporaryDirectory directory_;
};

const std::string kPlace =
    "<SRS>EPSG:32634</SRS><GeoTransform>300000,1,0,4200000,0,-1</GeoTransform>";

int left_or_right(int /*band*/, int /*row*/, int column) { return column < 4 ? 1 : 2; }

int row_number(int /*band*/, int row, int /*column*/) { return row; }

TEST_CASE("a raster elsewhere is refused", "[executor]") {
  const Folder folder;
  write_tiny_raster(folder.path("b.tif"), {.left = 400000}, row_number);
  CHECK(folder.refusal() == "b.tif: expected to overlap labels.tif, found no common ground");
}

TEST_CASE("rasters without reference system share the grid's pixels, with a note", "[executor]") {
  const Folder folder;
  write_tiny_raster(folder.path("b.tif"), {.pixel = 0, .epsg = 0}, row_number);
  CHECK(folder.notes() ==
        std::vector<std::string>{"no coordinate reference system in b.tif: they are taken to share "
                                 "the grid's pixels"});
  fs::remove(folder.path("scene.json"));
  write_tiny_raster(folder.path("b.tif"), {.rows = 9, .pixel = 0, .epsg = 0}, row_number);
  CHECK(folder.refusal() ==
        "b.tif: expected georeferencing, or a multiple of the reference grid's 8 x 8 pixels, found "
        "9 x 8 pixels without");
  write_tiny_raster(folder.path("b.tif"), {.left = 300004, .epsg = 0}, row_number);
  CHECK(folder.refusal() ==
        "b.tif: expected a coordinate reference system as the reference grid has, found none");
}

TEST_CASE("a raster that is placed otherwise than by a geotransform is never placed by guess",
          "[executor]") {
  const Folder folder;
  const std::string name = GENERATE("b", "labels");
  const std::string file = name + ".vrt";
  fs::rename(folder.path(name + ".tif"), folder.path("source"));
  SECTION("by ground control points") {
    folder.write_vrt(file,
                     "<GCPList Projection=\"EPSG:32634\">"
                     "<GCP Id=\"1\" Pixel=\"0\" Line=\"0\" X=\"300000\" Y=\"4200000\"/>"
                     "<GCP Id=\"2\" Pixel=\"8\" Line=\"0\" X=\"300008\" Y=\"4200000\"/>"
                     "<GCP Id=\"3\" Pixel=\"0\" Line=\"8\" X=\"300000\" Y=\"4199992\"/></GCPList>",
                     "Byte", "", "source");
    CHECK(folder.refusal() ==
          file +
              ": expected a geotransform, found ground control points only; put it on a grid "
              "first: gdalwarp -tps IN OUT");
  }
  SECTION("by rational polynomial coefficients") {
    folder.write_vrt(file, "<Metadata domain=\"RPC\"><MDI key=\"LINE_OFF\">4</MDI></Metadata>",
                     "Byte", "", "source");
    CHECK(folder.refusal() ==
          file +
              ": expected a geotransform, found rational polynomial coefficients only; put it "
              "on a grid first: gdalwarp -rpc IN OUT");
  }
  SECTION("by pixels of no size") {
    folder.write_vrt(file,
                     "<SRS>EPSG:32634</SRS><GeoTransform>300000,0,0,4200000,0,0</GeoTransform>",
                     "Byte", "", "source");
    CHECK(folder.refusal() ==
          file + ": expected a geotransform, found one whose pixels have no area");
  }
}

TEST_CASE("a modality without a value is refused by file, and by band", "[executor]") {
  const Folder folder;
  SECTION("no data everywhere") {
    write_tiny_raster(folder.path("b.tif"), {.no_data = 7}, [](int, int, int) { return 7; });
    CHECK(folder.refusal() == "b.tif: expected values on the grid of labels.tif, found none");
  }
  SECTION("NaN and infinity everywhere") {
    write_tiny_raster(folder.path("b.tif"), {}, [](int, int row, int) {
      return row % 2 == 0 ? std::nan("") : row == 1 ? HUGE_VAL : -HUGE_VAL;
    });
    CHECK(folder.refusal() == "b.tif: expected values on the grid of labels.tif, found none");
  }
  SECTION("no data in one band") {
    write_tiny_raster(folder.path("a.tif"), {.bands = 2, .no_data = 7},
                      [](int band, int row, int) { return band == 1 ? 7 : row + 100; });
    CHECK(folder.refusal() == "a.tif: band 2: expected values at training pixels, found none");
  }
  SECTION("NaN, infinity and no data in some pixels are no matter") {
    write_tiny_raster(folder.path("b.tif"), {.no_data = 7}, [](int, int row, int column) {
      return column == 0 ? std::nan("") : column == 1 ? HUGE_VAL : column == 2 ? 7 : 10 + row;
    });
    CHECK(folder.notes().empty());
  }
}

TEST_CASE("an absurd value is noted, with its band, wherever it lies", "[executor]") {
  const Folder folder;
  const int row_of_it = GENERATE(0, 7);  // in the training half, and in the other
  write_tiny_raster(folder.path("a.tif"), {.bands = 2}, [&](int band, int row, int column) {
    return band == 1 && row == row_of_it && column < 2 ? 1e30 : row * 8 + column;
  });
  CHECK(folder.notes() ==
        std::vector<std::string>{std::string("band 2 of a holds 1e+30 in 2 pixels and ") +
                                 (row_of_it == 0 ? "2 to 63" : "0 to 63") +
                                 " elsewhere: a fill value that is not declared as \"nodata\"?"});
}

TEST_CASE("a fill value below all others is noted, a wide range is not", "[executor]") {
  const Folder folder;
  write_tiny_raster(folder.path("b.tif"), {}, [](int, int row, int column) {
    return row == 0 ? -9999 : 100 + row * 8 + column;
  });
  CHECK(folder.notes() ==
        std::vector<std::string>{"band 1 of b holds -9999 in 8 pixels and 108 to 163 elsewhere: a "
                                 "fill value that is not declared as \"nodata\"?"});
  write_tiny_raster(folder.path("b.tif"), {},
                    [](int, int row, int column) { return std::exp2((row * 8 + column) / 4.0); });
  CHECK(folder.notes().empty());
}

TEST_CASE("a damaged raster is refused, or left out with a note", "[executor]") {
  const Folder folder;
  SECTION("half of a GeoTIFF") {
    fs::resize_file(folder.path("a.tif"), fs::file_size(folder.path("a.tif")) / 2);
    CHECK(folder.refusal().rfind("a.tif: band 1: expected readable pixels, found: ", 0) == 0);
  }
  SECTION("half of the labels") {
    fs::resize_file(folder.path("labels.tif"), fs::file_size(folder.path("labels.tif")) - 20);
    CHECK(folder.refusal().rfind("labels.tif: band 1: expected readable pixels, found: ", 0) == 0);
  }
  SECTION("a virtual raster whose source is gone") {
    folder.write_vrt("c.vrt", kPlace, "Float32", "", "gone.tif");
    const std::string message = folder.refusal();
    CHECK(message.rfind("c.vrt: band 1: expected readable pixels, found: ", 0) == 0);
    CHECK(message.find("gone.tif") != std::string::npos);
  }
  SECTION("no raster at all") {
    std::ofstream(folder.path("b.tif")) << "not a picture";
    const std::vector<std::string> notes = folder.notes();
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].rfind(folder.path("b.tif").string() + " is left out: ", 0) == 0);
  }
}

TEST_CASE("complex values are no modality, and as labels are refused", "[executor]") {
  const Folder folder;
  folder.write_vrt("c.vrt", kPlace, "CFloat32", "", "b.tif");
  CHECK(folder.notes() ==
        std::vector<std::string>{folder.path("c.vrt").string() +
                                 " is left out: its values are complex; write their magnitude or "
                                 "phase to a raster"});
  fs::remove(folder.path("scene.json"));
  CHECK(folder.refusal({"--modality", "c=" + folder.path("c.vrt").string()}) ==
        "c.vrt: band 1: expected real values, found complex ones (CFloat32); write their magnitude "
        "or phase to a raster and use that");
  CHECK(folder.refusal({"--labels", folder.path("c.vrt").string()}) ==
        "c.vrt: expected labels among the files given, found its values are complex; write their "
        "magnitude or phase to a raster");
}

TEST_CASE("labels of several bands or of fractions are refused with what to do", "[executor]") {
  const Folder folder;
  write_tiny_raster(folder.path("labels.tif"), {.bands = 3, .is_float = false}, left_or_right);
  CHECK(folder.refusal() ==
        "labels.tif: expected 1 band of class ids, found 3; write the one that holds them to a "
        "file of its own (gdal_translate -b 1 IN OUT), or colours to numbers");
  CHECK(folder.refusal({"--labels", folder.path("labels.tif").string()}) == folder.refusal());
  write_tiny_raster(folder.path("labels.tif"), {},
                    [](int, int, int column) { return column / 2.0; });
  CHECK(folder.refusal() ==
        "labels.tif: expected whole numbers as class ids, at most 255 of them, found others");
}

TEST_CASE("labels that are whole numbers count however they are stored", "[executor]") {
  const Folder folder;
  write_tiny_raster(folder.path("labels.tif"), {}, [](int, int row, int column) {
    return row == 7 ? std::nan("") : left_or_right(0, row, column);
  });
  CHECK(folder.scene().classes.size() == 2);
}

TEST_CASE("class ids that no class can have are refused", "[executor]") {
  const Folder folder;
  const int id = GENERATE(-1, 256);
  write_tiny_raster(folder.path("labels.tif"), {}, [&](int, int row, int column) {
    return row == 0 ? id : left_or_right(0, row, column);
  });
  CHECK(folder.refusal() ==
        "labels.tif: expected class ids from 1 to 255 (0 is unlabelled), found " +
            std::to_string(id) +
            "; translate them, or declare it as no data (gdal_edit.py "
            "-a_nodata " +
            std::to_string(id) + " FILE)");
}

TEST_CASE("one class alone is refused, a class of one pixel is kept with a note", "[executor]") {
  const Folder folder;
  write_tiny_raster(folder.path("labels.tif"), {.is_float = false},
                    [](int, int, int column) { return column < 4 ? 1 : 0; });
  CHECK(folder.refusal() ==
        "labels.tif: expected two classes or more, found only class 1; 0 and no data count as "
        "unlabelled: give all other land a number of its own");
  write_tiny_raster(folder.path("labels.tif"), {.is_float = false}, [](int, int row, int column) {
    return row == 1 && column == 1 ? 3 : left_or_right(0, row, column);
  });
  CHECK(folder.notes() ==
        std::vector<std::string>{"no test pixel is class 3: its accuracy is not known"});
}

TEST_CASE("palettes and attribute tables give classes their colours and names", "[executor]") {
  const Folder folder;
  fs::rename(folder.path("labels.tif"), folder.path("source"));
  const auto labels_with = [&](const std::string& of_band, const std::string& type = "Byte") {
    folder.write_vrt("labels.vrt", kPlace, type, of_band, "source");
  };
  const auto table = [](const std::string& value, const std::string& name, const std::string& red,
                        const std::string& green, const std::string& blue) {
    std::string text = "<GDALRasterAttributeTable tableType=\"thematic\">";
    text += "<FieldDefn index=\"0\"><Name>Value</Name><Type>0</Type><Usage>" + value + "</Usage>";
    text += "</FieldDefn><FieldDefn index=\"1\"><Name>Class_Name</Name><Type>2</Type><Usage>";
    text += name + "</Usage></FieldDefn><FieldDefn index=\"2\"><Name>Red</Name><Type>0</Type>";
    text += "<Usage>" + red + "</Usage></FieldDefn><FieldDefn index=\"3\"><Name>Green</Name>";
    text += "<Type>0</Type><Usage>" + green + "</Usage></FieldDefn><FieldDefn index=\"4\"><Name>";
    text += "Blue</Name><Type>0</Type><Usage>" + blue + "</Usage></FieldDefn>";
    text += "<Row index=\"0\"><F>2</F><F>Forest</F><F>0</F><F>200</F><F>10</F></Row>";
    text += "<Row index=\"1\"><F>1</F><F>Water</F><F>0</F><F>0</F><F>255</F></Row>";
    return text + "</GDALRasterAttributeTable>";
  };
  using Color = std::array<int, 3>;
  SECTION("a palette of 16-bit parts, dark colours too") {
    labels_with(
        "<ColorInterp>Palette</ColorInterp><ColorTable><Entry c1=\"0\" c2=\"0\" c3=\"0\" "
        "c4=\"0\"/><Entry c1=\"65535\" c2=\"0\" c3=\"25700\" c4=\"255\"/><Entry c1=\"0\" "
        "c2=\"0\" c3=\"250\" c4=\"255\"/></ColorTable>",
        "UInt16");
    const Scene scene = folder.scene();
    CHECK(scene.classes[0].color == Color{255, 0, 100});
    CHECK(scene.classes[1].color == Color{0, 0, 0});
  }
  SECTION("an attribute table that says what its columns are") {
    labels_with(table("5", "2", "6", "7", "8"));
  }
  SECTION("an attribute table of columns with usual names") {
    labels_with(table("0", "0", "0", "0", "0"));
  }
  if (fs::file_size(folder.path("labels.vrt")) > 900) {
    const Scene scene = folder.scene();
    CHECK(scene.classes[0].name == "Water");
    CHECK(scene.classes[0].color == Color{0, 0, 255});
    CHECK(scene.classes[1].name == "Forest");
    CHECK(scene.classes[1].color == Color{0, 200, 10});
  }
}

TEST_CASE("files are known by any name, and labels may lie elsewhere", "[executor]") {
  const Folder folder;
  fs::rename(folder.path("b.tif"), folder.path("höhe & <高さ> \"q\".tif"));
  const test::TemporaryDirectory elsewhere;
  fs::rename(folder.path("labels.tif"), elsewhere.path() / "Klassen 2021.tif");
  static_cast<void>(folder.made({"--labels", (elsewhere.path() / "Klassen 2021.tif").string()}));
  const Scene scene = read_scene(folder.path(""));
  CHECK(scene.modalities[1].raster.filename() == "höhe & <高さ> \"q\".tif");
  CHECK(fs::equivalent(scene.labels, elsewhere.path() / "Klassen 2021.tif"));
}

TEST_CASE("places without a scene say what is missing", "[executor]") {
  const Folder folder;
  const test::TemporaryDirectory empty;
  const auto refused = [](const fs::path& place) {
    CLI::App program;
    add_scene_verb(program);
    return input_error([&] { program.parse({place.string(), "scene"}); });
  };
  CHECK(refused(empty.path()) == "expected rasters and labels, found neither in the places given");
  CHECK(refused(empty.path() / "absent") ==
        (empty.path() / "absent").string() + ": expected a folder or a file, found none");
  CHECK(refused(folder.path("labels.tif")) ==
        "expected -o FILE, as not one folder was given, found none");
}

/// A collection of polygons: `properties` of each, four columns wide.
void write_plots(const fs::path& file, const std::vector<std::string>& properties,
                 const std::string& geometry = "Polygon") {
  std::ofstream out(file);
  out << R"({"type":"FeatureCollection","crs":{"type":"name","properties":)"
      << R"({"name":"urn:ogc:def:crs:EPSG::32634"}},"features":[)";
  for (std::size_t i = 0; i < properties.size(); ++i) {
    const std::string left = std::to_string(300000 + 4 * i);
    const std::string right = std::to_string(300004 + 4 * i);
    const std::string corner = "[" + left + ",4200000]";
    std::string ring = "[[" + corner + ",[" + right + ",4200000],[" + right;
    ring += ",4199992],[" + left + ",4199992]," + corner + "]]";
    out << (i > 0 ? "," : "") << R"({"type":"Feature","properties":{)" << properties[i]
        << R"(},"geometry":{"type":")" << geometry << R"(","coordinates":)"
        << (geometry == "Polygon" ? ring : corner) << "}}";
  }
  out << "]}";
}

TEST_CASE("vectors that label nothing are refused", "[executor]") {
  const Folder folder;
  fs::remove(folder.path("labels.tif"));
  const fs::path file = folder.path("plots.geojson");
  SECTION("points") {
    write_plots(file, {R"("class":"Grass")", R"("class":"Water")"}, "Point");
    CHECK(folder.refusal() == "plots.geojson: it has no polygons");
  }
  SECTION("nothing") {
    write_plots(file, {});
    CHECK(folder.refusal() == "plots.geojson: it has no polygons");
  }
  SECTION("a class outside the grid") {
    write_plots(file, {R"("class":"Grass")", R"("class":"Water")", R"("class":"Town")"});
    CHECK(folder.refusal({"--split", "blocks"}) ==
          "plots.geojson: expected labelled pixels to train on of every class, found none of Town");
  }
  SECTION("numbers that are no ids") {
    write_plots(file, {R"("class":1.5)", R"("class":2.0)"});
    CHECK(folder.refusal() ==
          "plots.geojson: expected whole numbers or texts in attribute \"class\", found 1.5");
  }
}

TEST_CASE("ids that a vector keeps as decimal numbers are taken", "[executor]") {
  const Folder folder;
  fs::remove(folder.path("labels.tif"));
  write_plots(folder.path("plots.geojson"),
              {R"("area":2.25,"class":1.0)", R"("area":3.5,"class":4.0)"});
  const Scene scene = folder.scene();
  REQUIRE(scene.classes.size() == 2);
  CHECK(scene.label_reading.attribute == "class");
  CHECK(scene.classes[1].id == 4);
}

/// Turns a raster into a Cloud Optimized GeoTIFF of another name.
void make_cog(const fs::path& from, const fs::path& to) {
  {
    const DatasetPtr raster = open_raster(from);
    const DatasetPtr cog(
        gdal_driver("COG").CreateCopy(to.c_str(), raster.get(), FALSE, nullptr, nullptr, nullptr));
    REQUIRE(cog != nullptr);
  }
  fs::remove(from);
}

TEST_CASE("a STAC item of Cloud Optimized GeoTIFFs is read, clouds of its scene classes left out",
          "[executor]") {
  const Folder folder;
  fs::remove(folder.path("a.tif"));
  fs::remove(folder.path("b.tif"));
  fs::create_directory(folder.path("S2A_34SGH"));
  for (const int band : {2, 3}) {
    write_tiny_raster(folder.path("raw.tif"), {},
                      [&](int, int row, int column) { return 1000 * band + row * 8 + column; });
    make_cog(folder.path("raw.tif"), folder.path("S2A_34SGH/B0" + std::to_string(band) + ".tif"));
  }
  // Scene classes of 2 m pixels: vegetation (4), but a thick cloud (9), cirrus (10), a cloud's
  // shadow (3), and water (6), which is none.
  write_tiny_raster(folder.path("raw.tif"),
                    {.rows = 4, .columns = 4, .pixel = 2, .is_float = false},
                    [](int, int row, int column) {
                      if (row != 1) return 4;
                      return column == 0 ? 9 : column == 1 ? 10 : column == 2 ? 3 : 6;
                    });
  make_cog(folder.path("raw.tif"), folder.path("S2A_34SGH/SCL.tif"));
  std::ofstream(folder.path("S2A_34SGH/item.json")) << R"({
    "type": "Feature", "stac_version": "1.0.0", "id": "S2A_34SGH", "assets": {
      "B02": {"href": "./B02.tif", "type": "image/tiff; application=geotiff; profile=cloud-optimized", "roles": ["data"]},
      "B03": {"href": "./B03.tif", "type": "image/tiff; application=geotiff; profile=cloud-optimized", "roles": ["data"]},
      "SCL": {"href": "./SCL.tif", "type": "image/tiff; application=geotiff; profile=cloud-optimized", "roles": ["data"]},
      "thumbnail": {"href": "./preview.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
      "granule_metadata": {"href": "https://example.org/metadata.xml", "type": "application/xml"}}})";

  const Scene scene = folder.scene();
  REQUIRE(scene.modalities.size() == 1);
  const Modality& modality = scene.modalities[0];
  CHECK(modality.name == "s2a_34sgh");
  CHECK(modality.num_bands == 2);
  REQUIRE(modality.masks.size() == 1);
  CHECK(modality.masks[0].raster.filename() == "SCL.tif");

  const Normalization plain = {{modality.name, {.mean = {0, 0}, .stddev = {1, 1}}}};
  const SceneData data =
      load_scene(scene, {{.name = modality.name, .shape = {2, 3, 3}}}, {.normalization = &plain});
  for (std::size_t band = 0; band < 2; ++band)
    for (std::size_t row = 0; row < 8; ++row)
      for (std::size_t column = 0; column < 8; ++column) {
        const bool is_cloud = (row == 2 || row == 3) && column < 6;
        const auto value = static_cast<double>(1000 * (band + 2) + row * 8 + column);
        const auto read =
            static_cast<double>(data.modalities[0].values[band * 64 + row * 8 + column]);
        if (read != (is_cloud ? 0 : value)) CHECK(read == (is_cloud ? 0 : value));
      }
}

}  // namespace
}  // namespace cadastre
