package io.moetier.runtime.model.vision;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.RopeTable;
import io.moetier.runtime.model.spec.HeadsSpec;
import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.weight.Linear;
import io.moetier.runtime.model.weight.Weights;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/// A loaded tower. Immutable; one image at a time.
public final class VisionTower {
    private final VisionSpec spec;
    private final Device device;
    private final int hidden;
    private final int hiddenSize;
    private final Linear patches;
    private final float[] positions;
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
        positions = weights.vector(spec.patches().positions());
        layers = spec.layers().stream()
                .map(layer -> new VisionLayer(layer, weights))
                .toList();
        merger = new PatchMerger(spec.merger(), weights);
        deepstack = spec.deepstack().stream()
                .map(level -> new PatchMerger(level.merger(), weights))
                .toList();
    }

    /// Checks that the tower can read an image.
    ///
    /// @throws IllegalArgumentException if its patches have another size, or cannot be merged
    public void requireFit(ImagePatches image) {
        if (image.floats() != patches.weight().cols()) {
            throw new IllegalArgumentException("the image has patches of " + image.floats()
                    + " values, where the model reads " + patches.weight().cols());
        }
        PatchGrid _ = grid(image);
    }

    /// Returns the tokens of a text in which each image has as many image tokens as rows: those that stand alone in
    /// `tokens` are repeated.
    public int[] expand(int[] tokens, List<ImagePatches> images) {
        IntStream.Builder expanded = IntStream.builder();
        int image = 0;
        for (int at = 0; at < tokens.length; at++) {
            boolean begins = tokens[at] == spec.imageToken() && (at == 0 || tokens[at - 1] != spec.imageToken());
            boolean alone = begins && next(tokens, at, false) == at + 1;
            int copies = alone && image < images.size() ? rows(images.get(image)) : 1;
            for (int copy = 0; copy < copies; copy++) {
                expanded.accept(tokens[at]);
            }
            image += begins ? 1 : 0;
        }
        return expanded.build().toArray();
    }

    private int rows(ImagePatches image) {
        return image.number() / spec.patches().merged();
    }

    /// Returns where among the tokens of a text each image stands.
    ///
    /// @throws IllegalArgumentException if the image tokens are not those of the images
    public int[] places(int[] tokens, List<ImagePatches> images) {
        int[] places = new int[images.size()];
        int at = 0;
        for (int i = 0; i < places.length; i++) {
            at = next(tokens, at, true);
            places[i] = at;
            int end = next(tokens, at, false);
            int rows = rows(images.get(i));
            if (end - at < rows) {
                throw new IllegalArgumentException("image " + (i + 1) + " takes " + rows + " tokens of id "
                        + spec.imageToken() + ", but the text has " + (end - at) + " in a row");
            }
            at += rows;
        }
        int left = next(tokens, at, true);
        if (left < tokens.length) {
            throw new IllegalArgumentException("the text has tokens of id " + spec.imageToken() + " from index " + left
                    + " on, which no image stands for");
        }
        return places;
    }

    /// Returns the next index from `at` on that has an image token, or has none; the end if there is no such.
    private int next(int[] tokens, int at, boolean image) {
        int index = at;
        while (index < tokens.length && (tokens[index] == spec.imageToken()) != image) {
            index++;
        }
        return index;
    }

    private PatchGrid grid(ImagePatches image) {
        return new PatchGrid(image.rows(), image.cols(), spec.patches().mergedSide());
    }

    /// Returns the bytes that are needed while an image is read, and those of its rows.
    public long bytes(ImagePatches image) {
        long rows = (1L + deepstack.size()) * image.number() / spec.patches().merged() * hiddenSize;
        return VisionBuffers.bytes(image.number(), hidden, wideFloats(image))
                + Float.BYTES * (rows + image.values().length);
    }

    private int wideFloats(ImagePatches image) {
        int ofLayers = layers.stream().mapToInt(VisionLayer::width).max().orElse(0);
        int ofMergers = merger.width() / spec.patches().merged() + 1;
        return Math.multiplyExact(image.number(), Math.max(ofLayers, ofMergers));
    }

    /// Reads an image and asks `cancelled` before each layer whether to give up.
    ///
    /// @param owner of the device, owns the rows
    /// @throws IllegalArgumentException as [#requireFit]
    /// @throws CancellationException if it was given up
    public ImageRows read(ImagePatches image, Arena owner, BooleanSupplier cancelled) {
        requireFit(image);
        Kernels kernels = device.kernels();
        int n = image.number();
        PatchGrid grid = grid(image);
        HeadsSpec heads = spec.layers().getFirst().heads();
        RopeTable rotations =
                grid.rotations(heads.headDim(), spec.layers().getFirst().theta());
        List<DeviceBuffer> levels = new ArrayList<>();
        DeviceBuffer features = rows(n, owner);
        deepstack.forEach(_ -> levels.add(rows(n, owner)));
        try (Arena arena = device.newArena()) {
            VisionBuffers buffers = VisionBuffers.of(device, arena, n, hidden, wideFloats(image));
            embed(kernels, image, grid, buffers, arena);
            for (int layer = 0; layer < layers.size(); layer++) {
                if (cancelled.getAsBoolean()) {
                    throw new CancellationException("cancelled before layer " + layer + " of the tower");
                }
                layers.get(layer).forward(kernels, n, rotations, buffers);
                for (int level = 0; level < levels.size(); level++) {
                    if (spec.deepstack().get(level).layer() == layer) {
                        deepstack.get(level).apply(kernels, buffers.residual(), n, hidden, buffers, levels.get(level));
                    }
                }
            }
            merger.apply(kernels, buffers.residual(), n, hidden, buffers, features);
        } finally {
            kernels.forget(rotations);
        }
        int side = spec.patches().mergedSide();
        return new ImageRows(image.rows() / side, image.cols() / side, features, levels);
    }

    private DeviceBuffer rows(int patchesOfImage, Arena owner) {
        return device.allocate(
                Math.multiplyExact(patchesOfImage / spec.patches().merged(), hiddenSize), owner);
    }

    private void embed(Kernels kernels, ImagePatches image, PatchGrid grid, VisionBuffers buffers, Arena arena) {
        DeviceBuffer values = device.allocate(image.values().length, arena);
        device.upload(image.values(), 0, image.values().length, values, 0);
        patches.apply(kernels, values, image.number(), buffers.residual());
        float[] places = grid.positions(positions, spec.patches().side(), hidden);
        device.upload(places, 0, places.length, buffers.normed(), 0);
        kernels.add(buffers.residual(), buffers.normed(), places.length);
    }
}
