package io.moetier.runtime.image.processor;

import io.moetier.runtime.image.Picture;
import io.moetier.storage.format.JsonObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Llama 4's processor: tiles of a canvas on which the picture keeps its aspect, and the whole without it.
///
/// The hub has it over PyTorch alone, whose scales are float32 where a tensor takes part and float64 where none does.
final class Llama4Processor implements ImageProcessor {
    private static final String IMAGE = "<|image|>";
    private static final List<Double> HALF = List.of(0.5, 0.5, 0.5);

    private final int tile;
    private final boolean fillsCanvas;
    private final int tokensPerTile;
    private final Levels levels;
    private final List<Grid> grids;
    private final Resampling resampling = new FloatingPointResampling();

    private record Grid(int rows, int columns) {}

    /// A length to fit into, and whether it came out of a tensor.
    private record Target(int length, boolean isTensor) {
        /// Returns what `original` is multiplied by to be as long.
        double scale(int original) {
            return isTensor ? (float) length / original : (double) length / original;
        }
    }

    Llama4Processor(ProcessorConfig config) {
        config.requireTrue("do_resize", "do_rescale", "do_normalize", "do_convert_rgb");
        config.requireResampling(ProcessorConfig.BILINEAR, "bilinear");
        JsonObject size = config.size(Map.of("height", 336, "width", 336));
        tile = ProcessorConfig.side(size, "height");
        if (ProcessorConfig.side(size, "width") != tile) {
            throw size.unexpected("width", tile + ", as height is", size.requireLong("width"));
        }
        config.requireOfTower("image_size", tile);
        fillsCanvas = config.flag("resize_to_max_canvas", false);
        grids = grids(config.length("max_patches", 16));
        double ratio = config.vision().optionalDouble("pixel_shuffle_ratio").orElse(0.5);
        tokensPerTile = config.tokensPerTile(tile, tile, ratio);
        levels = Levels.bfloat16(config.rescaleFactor(), config.mean(HALF), config.deviation(HALF));
    }

    /// Returns all grids of at most so many tiles, in the reference's order: it decides between those that are as good.
    private static List<Grid> grids(int mostTiles) {
        Map<Double, List<Grid>> byAspect = new LinkedHashMap<>();
        for (int tiles = mostTiles; tiles > 0; tiles--) {
            for (int rows = 1; rows <= tiles; rows++) {
                if (tiles % rows == 0) {
                    Grid grid = new Grid(rows, tiles / rows);
                    byAspect.computeIfAbsent((double) rows / grid.columns, aspect -> new ArrayList<>())
                            .add(grid);
                }
            }
        }
        return byAspect.values().stream().flatMap(List::stream).toList();
    }

    @Override
    public ImageMarks marks() {
        return ImageMarks.alone(IMAGE, this::words);
    }

    /// Writes the tiles row by row, if there are several, and behind them the whole picture.
    private String words(Pixels pixels) {
        String patches = "<|patch|>".repeat(tokensPerTile);
        String tiles = "";
        if (pixels instanceof Pixels.Tiles grid && grid.hasWhole()) {
            String row = String.join("<|tile_x_separator|>", Collections.nCopies(grid.width(), patches));
            tiles = (row + "<|tile_y_separator|>").repeat(grid.height());
        }
        return "<|image_start|>" + tiles + IMAGE + patches + "<|image_end|>";
    }

    @Override
    public Pixels process(Picture picture) {
        Grid grid = grid(picture);
        int tiles = grid.rows * grid.columns;
        TileWriter writer = new TileWriter(picture, tiles > 1 ? tiles + 1 : tiles, tile, tile, levels);
        writer.add(fitted(picture, grid), grid.rows, grid.columns);
        if (tiles > 1) {
            writer.add(resampling.resize(picture, tile, tile), 1, 1);
        }
        return new Pixels.Tiles(writer.values(), grid.rows, grid.columns, tile, tile, tokensPerTile);
    }

    /// Returns the smallest grid that makes the picture larger by the least, or if none does, smaller by the least.
    private Grid grid(Picture picture) {
        boolean canGrow = grids.stream().anyMatch(grid -> scale(grid, picture) >= 1);
        Grid best = grids.getFirst();
        boolean growsLeast = canGrow && !fillsCanvas;
        float chosen = growsLeast ? Float.POSITIVE_INFINITY : 0;
        for (Grid grid : grids) {
            float scale = scale(grid, picture);
            if (canGrow && scale < 1) {
                continue;
            }
            boolean isBetter = growsLeast ? scale < chosen : scale > chosen;
            boolean isSmaller = scale == chosen && grid.rows * grid.columns < best.rows * best.columns;
            if (isBetter || isSmaller) {
                best = grid;
                chosen = scale;
            }
        }
        return best;
    }

    private float scale(Grid grid, Picture picture) {
        return Math.min((float) (grid.columns * tile) / picture.width(), (float) (grid.rows * tile) / picture.height());
    }

    /// Returns the picture as large as it fits into the grid, but not larger than it is or than a tile.
    private Picture fitted(Picture picture, Grid grid) {
        Target height = target(picture.height(), grid.rows * tile);
        Target width = target(picture.width(), grid.columns * tile);
        double down = height.scale(picture.height());
        double across = width.scale(picture.width());
        boolean isSingle = height.isTensor || width.isTensor;
        boolean isWide = isSingle ? (float) across < (float) down : across < down;
        return isWide
                ? resampling.resize(picture, width.length, fitted(picture.height(), across, width, height))
                : resampling.resize(picture, fitted(picture.width(), down, height, width), height.length);
    }

    private Target target(int original, int canvas) {
        int most = Math.max(original, tile);
        boolean isCanvas = fillsCanvas || canvas < most;
        return isCanvas ? new Target(canvas, true) : new Target(most, false);
    }

    private static int fitted(int original, double scale, Target by, Target most) {
        double length = by.isTensor ? original * (float) scale : original * scale;
        return Math.max(1, Math.min((int) Math.floor(length), most.length));
    }
}
