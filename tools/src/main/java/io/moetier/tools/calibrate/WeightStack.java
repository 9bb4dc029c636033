package io.moetier.tools.calibrate;

import io.moetier.engine.convert.CheckpointImporter;
import io.moetier.engine.convert.ModelSource;
import io.moetier.engine.convert.Quantisation;
import io.moetier.engine.session.Engine;
import io.moetier.engine.session.EngineConfig;
import io.moetier.engine.session.Session;
import io.moetier.engine.tensor.WeightMatrix;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.model.DType;
import io.moetier.tools.synthetic.ModelShape;
import io.moetier.tools.synthetic.SyntheticModel;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/// A stack of layers with random weights, as a store, and the engine at work on it.
///
/// @param config threads, and where native code is
record WeightStack(Path store, ModelShape shape, EngineConfig config) {
    static final DType TYPE = DType.Q8_0;
    private static final long NANOS_PER_SECOND = 1_000_000_000;
    private static final int[] OPENING = {0, 1, 2, 3};
    private static final int LAST_POSITION = 128;

    /// Writes a store to `folder`.
    ///
    /// @throws IOException if there is no room for it
    static WeightStack write(Path folder, String name, ModelShape shape, EngineConfig config) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        SyntheticModel.write(file, shape, TYPE, 0);
        Path store = folder.resolve(name + ".mtier");
        try (ModelSource source = ModelSource.open(file)) {
            new CheckpointImporter(source, Quantisation.KEEP).run(store, false, bytes -> {});
        }
        Files.delete(file);
        return new WeightStack(store, shape, config);
    }

    /// Returns the bytes of one expert in memory.
    long expertBytes() {
        long bytes = 2 * WeightMatrix.packedBytes(TYPE, shape.expertHidden(), shape.hidden())
                + WeightMatrix.packedBytes(TYPE, shape.hidden(), shape.expertHidden());
        return Math.ceilDiv(bytes, BlockLayout.PAGE_BYTES) * BlockLayout.PAGE_BYTES;
    }

    /// Returns the bytes of what a layer has beside its experts.
    long denseBytes() {
        return 4 * WeightMatrix.packedBytes(TYPE, shape.hidden(), shape.hidden())
                + WeightMatrix.packedBytes(DType.F32, shape.experts(), shape.hidden());
    }

    /// Returns the bytes of all layers if so many experts have a slot.
    double bytes(double residentShare) {
        return shape.layers() * (denseBytes() + residentShare * shape.experts() * expertBytes());
    }

    /// Decodes random tokens for some time and returns what the layers took after the first half of it.
    ///
    /// @param residentShare of the experts that there is room for; misses are spread over the layers by chance
    /// @throws IOException if the thread is interrupted
    LayerTimes decode(IoMode io, double residentShare, double seconds) throws IOException {
        long slots = Math.round(residentShare * shape.layers() * shape.experts());
        LayerTimes times = new LayerTimes(shape.expertsPerToken());
        requireNoInterrupt();
        try (Engine engine = Engine.open(store, config.withIo(io).withRamBytes(slots * expertBytes()));
                Session session = engine.newSession(LAST_POSITION)) {
            session.listen(times);
            SplittableRandom random = new SplittableRandom(0);
            session.prefill(OPENING);
            long begin = System.nanoTime();
            boolean warm = false;
            for (long spent = 0; spent < seconds * NANOS_PER_SECOND; spent = System.nanoTime() - begin) {
                if (!warm && spent > seconds / 2 * NANOS_PER_SECOND) {
                    warm = true;
                    times.begin();
                }
                if (session.position() == session.capacity()) {
                    session.truncate(OPENING.length);
                }
                session.decode(random.nextInt(shape.vocabulary()));
                requireNoInterrupt();
            }
        }
        return times;
    }

    /// Opening a store fails, and decoding goes on, when the thread is interrupted.
    private static void requireNoInterrupt() throws InterruptedIOException {
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedIOException("the measurement was interrupted");
        }
    }
}
