package io.moetier.lab.calibrate;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.lab.cost.PromptCosts;
import io.moetier.lab.cost.PromptCosts.Products;
import io.moetier.lab.synthetic.ModelShape;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.storage.expert.ScratchDirectory;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.Phase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// Measures what prompts cost on this machine.
///
/// Kernels tell what products take. What a layer of the engine takes longer is its overhead, for prompts of two lengths
/// in narrow and in wide layers: from the lengths follows what attention takes for each key, from the widths what grows
/// with these.
public final class PromptCalibration {
    private static final ModelShape NARROW = new ModelShape(8, 256, 2, 16, 8, 256, 1024);
    private static final ModelShape WIDE = new ModelShape(4, 1024, 8, 16, 8, 256, 1024);
    private static final int SHORT = 64;
    private static final int LONG = 256;
    private static final double WARM_UP_SECONDS = 0.6; // of each, the compiler's
    private static final double SECONDS = 0.25;

    private PromptCalibration() {}

    /// What a token of a prompt takes in a layer beside its products.
    ///
    /// @param width of the layer, and of its queries
    record Beside(int width, int tokens, double seconds) {
        /// Returns what is left without attention.
        private double without(double keySeconds) {
            return seconds - width * keys(tokens) * keySeconds;
        }
    }

    /// Measures this machine, in some ten seconds by the usual effort.
    ///
    /// @param folder where stores are written, read and removed again
    /// @param config threads, and where native code is
    /// @param memoryBytes how much memory to read: what no cache holds
    /// @param effort how often and how long everything is measured
    /// @throws IOException if there is no room for the stores, or the thread is interrupted
    public static PromptCosts measure(Path folder, EngineConfig config, long memoryBytes, Effort effort)
            throws IOException {
        Map<DType, Products> products;
        try (CpuDevice device = CpuDevice.open(
                config.compute().threads(), KernelChoice.AUTO, config.compute().nativeDirectory())) {
            products = PromptReading.measure(device, memoryBytes, effort.rounds());
        }
        Products ofStack = Objects.requireNonNull(products.get(WeightStack.TYPE));
        try (ScratchDirectory scratch = ScratchDirectory.create(folder)) {
            WeightStack narrow = WeightStack.write(scratch.path(), "narrow", NARROW, config);
            WeightStack wide = WeightStack.write(scratch.path(), "wide", WIDE, config);
            for (WeightStack each : List.of(narrow, wide)) {
                new Layer(each, SHORT).measureRound(effort.seconds(WARM_UP_SECONDS));
            }
            Layer ofNarrow = new Layer(narrow, SHORT);
            Layer ofWide = new Layer(wide, SHORT);
            Layer ofLong = new Layer(wide, LONG);
            for (int round = 0; round < effort.rounds(); round++) {
                for (Layer each : List.of(ofNarrow, ofWide, ofLong)) {
                    each.measureRound(effort.seconds(SECONDS));
                }
            }
            return costs(products, ofNarrow.beside(ofStack), ofWide.beside(ofStack), ofLong.beside(ofStack));
        }
    }

    /// A layer of a stack, and how long it takes.
    private record Layer(WeightStack stack, int tokens, LayerTimes times) {
        Layer(WeightStack stack, int tokens) {
            this(stack, tokens, new LayerTimes(stack.shape().expertsPerToken(), Phase.PREFILL, 1));
        }

        void measureRound(double seconds) throws IOException {
            stack.read(tokens, seconds, times);
        }

        Beside beside(Products products) {
            ModelShape shape = stack.shape();
            double rowsOfExpert = (double) tokens * shape.expertsPerToken() / shape.experts();
            double experts = shape.experts() * products.seconds(stack.weightsOfExpert(), rowsOfExpert);
            double others = products.seconds(stack.weightsOfAttention(), tokens);
            double seconds = times.ofMisses(0).typicalSeconds() - experts - others;
            return new Beside(shape.hidden(), tokens, seconds / tokens);
        }
    }

    /// Returns the costs that follow from three layers: a narrow one, a wide one, and the wide one with a longer
    /// prompt.
    static PromptCosts costs(Map<DType, Products> products, Beside narrow, Beside wide, Beside longer) {
        double keys = longer.width() * keys(longer.tokens()) - wide.width() * keys(wide.tokens());
        double keySeconds = Math.max(0, (longer.seconds() - wide.seconds()) / keys);
        double ofNarrow = narrow.without(keySeconds);
        double perWidth = Math.max(0, (wide.without(keySeconds) - ofNarrow) / (wide.width() - narrow.width()));
        return new PromptCosts(products, Math.max(0, ofNarrow - perWidth * narrow.width()), perWidth, keySeconds);
    }

    /// Returns how many keys a token of a prompt sees, itself included, in the mean.
    private static double keys(int tokens) {
        return (tokens + 1) / 2.0;
    }
}
