package io.moetier.runtime.image.processor;

import io.moetier.runtime.image.Picture;
import io.moetier.storage.format.JsonObject;
import java.util.List;
import java.util.Map;

/// GOT-OCR 2's processor, which InternVL uses: a grid of tiles about as wide for its height as the picture, and the
/// whole.
final class GotOcr2Processor implements ImageProcessor {
    private static final String CONTEXT = "<IMG_CONTEXT>";
    private static final ImageMarks MARKS =
            ImageMarks.alone(CONTEXT, pixels -> "<img>" + CONTEXT.repeat(pixels.tokens()) + "</img>");
    private static final List<Double> MEAN = List.of(0.48145466, 0.4578275, 0.40821073);
    private static final List<Double> DEVIATION = List.of(0.26862954, 0.26130258, 0.27577711);

    private final int tileHeight;
    private final int tileWidth;
    private final int leastTiles;
    private final int mostTiles;
    private final int tokensPerTile;
    private final Levels levels;
    private final Resampling resampling = new FixedPointResampling(Taps.Filter.BICUBIC);

    private record Grid(int rows, int columns) {}

    GotOcr2Processor(ProcessorConfig config) {
        config.requireTrue("do_resize", "do_rescale", "do_normalize", "do_convert_rgb");
        config.requireResampling(ProcessorConfig.BICUBIC, "bicubic");
        JsonObject size = config.size(Map.of("height", 384, "width", 384));
        tileHeight = ProcessorConfig.side(size, "height");
        tileWidth = ProcessorConfig.side(size, "width");
        List<Integer> image = config.vision().optionalInts("image_size").orElse(List.of(tileHeight, tileWidth));
        if (image.getFirst() != tileHeight || image.getLast() != tileWidth) {
            throw config.vision().unexpected("image_size", tileHeight + " x " + tileWidth, image);
        }
        // InternVL has pictures cut whatever crop_to_patches says, which files of its makers have as false.
        mostTiles = config.length("max_patches", 12);
        leastTiles = config.length("min_patches", 1);
        if (leastTiles > mostTiles) {
            throw config.json().unexpected("min_patches", "at most " + mostTiles, leastTiles);
        }
        tokensPerTile = config.tokensPerTile(
                tileHeight,
                tileWidth,
                config.model().optionalDouble("downsample_ratio").orElse(0.5));
        levels = Levels.numpy(config.rescaleFactor(), config.mean(MEAN), config.deviation(DEVIATION));
    }

    @Override
    public ImageMarks marks() {
        return MARKS;
    }

    @Override
    public Pixels process(Picture picture) {
        Grid grid = grid(picture);
        int tiles = grid.rows * grid.columns;
        TileWriter writer = new TileWriter(picture, tiles > 1 ? tiles + 1 : tiles, tileHeight, tileWidth, levels);
        Picture resized = resampling.resize(picture, tileWidth * grid.columns, tileHeight * grid.rows);
        writer.add(resized, grid.rows, grid.columns);
        if (tiles > 1) {
            writer.add(resampling.resize(picture, tileWidth, tileHeight), 1, 1);
        }
        return new Pixels.Tiles(writer.values(), grid.rows, grid.columns, tileHeight, tileWidth, tokensPerTile);
    }

    /// Returns the grid with the nearest aspect. Of several it is the one of most tiles, as long as they have less than
    /// twice the picture's area.
    private Grid grid(Picture picture) {
        double aspect = (double) picture.width() / picture.height();
        double area = (double) picture.width() * picture.height();
        double nearest = Double.POSITIVE_INFINITY;
        Grid best = new Grid(1, 1);
        for (int tiles = leastTiles; tiles <= mostTiles; tiles++) {
            for (int columns = 1; columns <= tiles; columns++) {
                if (tiles % columns != 0) {
                    continue;
                }
                int rows = tiles / columns;
                double distance = Math.abs(aspect - (double) columns / rows);
                boolean isAsNear = distance == nearest && area > 0.5 * tileHeight * tileWidth * tiles;
                if (distance < nearest || isAsNear) {
                    best = new Grid(rows, columns);
                    nearest = distance;
                }
            }
        }
        return best;
    }
}
