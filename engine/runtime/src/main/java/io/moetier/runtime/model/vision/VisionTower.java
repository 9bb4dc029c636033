package io.moetier.runtime.model.vision;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Norm;
import io.moetier.runtime.model.weight.Weights;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A loaded tower. Immutable; one image at a time.
public final class VisionTower {
    private final VisionSpec spec;
    private final Device device;
    private final int hidden;
    private final int hiddenSize;
    private final Linear patches;
    private final LearnedPositions positions;
    private final @Nullable Norm norm;
    private final List<VisionLayer> layers;
    private final PatchMerger merger;
    private final List<PatchMerger> deepstack;

    /// @param hiddenSize elements of a row of the text model's residual stream
    public VisionTower(VisionSpec spec, int hiddenSize, Weights weights, Device device) {
        this.spec = spec;
        this.device = device;
        this.hiddenSize = hiddenSize;
        hidden = spec.patches().linear().rows();
        patches = Linear.load(spec.patches().linear(), weights);
        positions = new LearnedPositions(spec, hidden, weights);
        norm = spec.patches().norm().map(each -> Norm.load(each, weights)).orElse(null);
        layers = spec.layers().stream()
                .map(layer -> new VisionLayer(layer, weights))
                .toList();
        int merged = spec.patches().merged();
        merger = new PatchMerger(spec.merger(), merged, weights);
        deepstack = spec.deepstack().stream()
                .map(level -> new PatchMerger(level.merger(), merged, weights))
                .toList();
    }

    /// Checks that the tower can read an image.
    ///
    /// @throws IllegalArgumentException if its patches or tiles have another size, or cannot be merged
    public void requireFit(ImagePatches image) {
        if (image.floats() != patches.weight().cols()) {
            throw new IllegalArgumentException("the image has patches of " + image.floats()
                    + " values, where the model reads " + patches.weight().cols());
        }
        positions.requireFit(grid(image));
    }

    /// Returns the tokens of a text in which each image has as many image tokens as rows: those that stand alone in
    /// `tokens` are repeated, unless other tokens have to stand between them.
    public int[] expand(int[] tokens, List<ImagePatches> images) {
        IntStream.Builder expanded = IntStream.builder();
        int image = 0;
        for (int at = 0; at < tokens.length; at++) {
            boolean begins = isImage(tokens[at]) && (at == 0 || !isImage(tokens[at - 1]));
            boolean alone = begins && next(tokens, at, false) == at + 1;
            int copies = alone && image < images.size() ? copies(images.get(image)) : 1;
            for (int copy = 0; copy < copies; copy++) {
                expanded.accept(tokens[at]);
            }
            image += begins ? 1 : 0;
        }
        return expanded.build().toArray();
    }

    private int copies(ImagePatches image) {
        return spec.token().tilesApart() && image.tiles() > 1 ? 1 : image.tiles() * rows(image);
    }

    /// Returns how many rows a tile gives, as many tokens of a text.
    public int rows(ImagePatches image) {
        return image.ofTile() / spec.patches().merged();
    }

    private boolean isImage(int token) {
        return token == spec.token().id();
    }

    /// Returns where among the tokens of a text each tile of each image stands.
    ///
    /// @throws IllegalArgumentException if the image tokens are not those of the images
    public List<int[]> places(int[] tokens, List<ImagePatches> images) {
        List<int[]> places = new ArrayList<>();
        int at = 0;
        for (ImagePatches image : images) {
            int rows = rows(image);
            int[] tiles = new int[image.tiles()];
            for (int tile = 0; tile < tiles.length; tile++) {
                int start = next(tokens, at, true);
                int found = next(tokens, start, false) - start;
                if (found < rows) {
                    throw new IllegalArgumentException(name(places.size(), tile, tiles.length) + " takes " + rows
                            + " tokens of id " + spec.token().id() + ", but the text has " + found + " in a row");
                }
                tiles[tile] = start;
                at = start + rows;
            }
            places.add(tiles);
        }
        if (next(tokens, at, true) < tokens.length) {
            throw new IllegalArgumentException(
                    "the text has tokens of id " + spec.token().id() + ", of images, but no image is shown for them");
        }
        return places;
    }

    private static String name(int image, int tile, int tiles) {
        String name = "image " + (image + 1);
        return tiles == 1 ? name : "tile " + (tile + 1) + " of the " + tiles + " of " + name;
    }

    /// Returns the next index from `at` on that has an image token, or has none; the end if there is no such.
    private int next(int[] tokens, int at, boolean image) {
        int index = at;
        while (index < tokens.length && isImage(tokens[index]) != image) {
            index++;
        }
        return index;
    }

    private PatchGrid grid(ImagePatches image) {
        return new PatchGrid(image.rows(), image.cols(), spec.patches().mergedSide());
    }

    /// Returns the bytes that are needed while a tile of an image is read, and those of its rows.
    public long bytes(ImagePatches image) {
        long rows = (1L + deepstack.size()) * rows(image) * hiddenSize;
        return sizes(image).bytes() + Float.BYTES * (rows + image.floatsOfTile());
    }

    /// Returns how many rows the layers compute for a tile.
    private int length(ImagePatches image) {
        return image.ofTile() + (spec.patches().classToken().isPresent() ? 1 : 0);
    }

    private VisionBuffers.Sizes sizes(ImagePatches image) {
        return new VisionBuffers.Sizes(Math.multiplyExact(length(image), hidden), width(image, 0), width(image, 1));
    }

    private int width(ImagePatches image, int turn) {
        int ofLayers =
                layers.stream().mapToInt(layer -> layer.width(turn)).max().orElse(0);
        int ofMergers = Stream.concat(Stream.of(merger), deepstack.stream())
                .mapToInt(each -> each.width(turn))
                .max()
                .orElse(0);
        return Math.max(Math.multiplyExact(length(image), ofLayers), Math.multiplyExact(rows(image), ofMergers));
    }

    /// Reads a tile of an image and asks `cancelled` before each layer whether to give up.
    ///
    /// @param owner of the device, owns the rows
    /// @throws IllegalArgumentException as [#requireFit]
    /// @throws CancellationException if it was given up
    public ImageRows read(ImagePatches image, int tile, Arena owner, BooleanSupplier cancelled) {
        requireFit(image);
        PatchGrid grid = grid(image);
        List<RopeTable> rotations = rotations(grid);
        try (Arena arena = device.newArena()) {
            VisionBuffers buffers = VisionBuffers.of(device, arena, sizes(image));
            embed(image, tile, grid, buffers, arena);
            return run(grid, length(image), rotations, buffers, owner, cancelled);
        } finally {
            rotations.forEach(device.kernels()::forget);
        }
    }

    private List<RopeTable> rotations(PatchGrid grid) {
        int headDim = spec.layers().getFirst().attention().heads().headDim();
        return spec.positions()
                .rotation()
                .map(rotation -> grid.rotations(headDim, rotation))
                .orElse(List.of());
    }

    private void embed(ImagePatches image, int tile, PatchGrid grid, VisionBuffers buffers, Arena arena) {
        Kernels kernels = device.kernels();
        int floats = image.floatsOfTile();
        DeviceBuffer values = device.allocate(floats, arena);
        device.upload(image.values(), tile * floats, floats, values, 0);
        float[] places = positions.of(grid);
        device.upload(places, 0, places.length, buffers.normed(), 0);
        kernels.clear(buffers.residual(), places.length);
        patches.apply(kernels, values, grid.number(), buffers.residual());
        kernels.add(buffers.residual(), buffers.normed(), places.length);
        if (norm != null) {
            norm.apply(kernels, buffers.residual(), places.length / hidden, buffers.residual());
        }
    }

    private ImageRows run(
            PatchGrid grid,
            int n,
            List<RopeTable> rotations,
            VisionBuffers buffers,
            Arena owner,
            BooleanSupplier cancelled) {
        Kernels kernels = device.kernels();
        int number = grid.number();
        int floats = Math.multiplyExact(number / spec.patches().merged(), hiddenSize);
        List<DeviceBuffer> levels = new ArrayList<>();
        DeviceBuffer features = device.allocate(floats, owner);
        deepstack.forEach(_ -> levels.add(device.allocate(floats, owner)));
        for (int layer = 0; layer < layers.size(); layer++) {
            if (cancelled.getAsBoolean()) {
                throw new CancellationException("cancelled before layer " + layer + " of the tower");
            }
            layers.get(layer).forward(kernels, n, rotations, buffers);
            for (int level = 0; level < levels.size(); level++) {
                if (spec.deepstack().get(level).layer() == layer) {
                    deepstack.get(level).apply(kernels, number, hidden, buffers, levels.get(level));
                }
            }
        }
        merger.apply(kernels, number, hidden, buffers, features);
        int side = spec.patches().mergedSide();
        return new ImageRows(grid.rows() / side, grid.cols() / side, features, levels);
    }
}
