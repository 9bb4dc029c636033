package io.moetier.lab.calibrate;

import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.lab.synthetic.ModelShape;
import io.moetier.lab.synthetic.SyntheticModel;
import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.storage.expert.BlockLayout;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.SplittableRandom;

/// A stack of layers with random weights, as a store, and the engine at work on it.
///
/// @param config threads, and where native code is
record WeightStack(Path store, ModelShape shape, EngineConfig config) {
    static final DType TYPE = DType.Q8_0;
    static final int LEAST_TOKENS = 64;
    private static final long NANOS_PER_SECOND = 1_000_000_000;
    private static final int[] OPENING = {0, 1, 2, 3};
    private static final int LAST_POSITION = 128;

    /// How long is decoded, and how many tokens at least.
    record Period(double seconds, int leastTokens) {}

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
        return expertBytes(shape);
    }

    private static long expertBytes(ModelShape shape) {
        long bytes = 2 * WeightMatrix.packedBytes(TYPE, shape.expertHidden(), shape.hidden())
                + WeightMatrix.packedBytes(TYPE, shape.hidden(), shape.expertHidden());
        return Math.ceilDiv(bytes, BlockLayout.PAGE_BYTES) * BlockLayout.PAGE_BYTES;
    }

    /// Returns the bytes of what a layer has beside its experts.
    long denseBytes() {
        return denseBytes(shape);
    }

    private static long denseBytes(ModelShape shape) {
        return 4 * WeightMatrix.packedBytes(TYPE, shape.hidden(), shape.hidden())
                + WeightMatrix.packedBytes(DType.F32, shape.experts(), shape.hidden());
    }

    /// Returns the weights of one expert.
    double weightsOfExpert() {
        return 3.0 * shape.hidden() * shape.expertHidden();
    }

    /// Returns the weights of a layer's attention.
    double weightsOfAttention() {
        return 4.0 * shape.hidden() * shape.hidden();
    }

    /// Returns the bytes of all layers if so many experts have a slot.
    double bytes(double residentShare) {
        return shape.layers() * (denseBytes() + residentShare * shape.experts() * expertBytes());
    }

    /// Returns the bytes of all layers of a shape.
    static double bytes(ModelShape shape) {
        return shape.layers() * ((double) denseBytes(shape) + (double) shape.experts() * expertBytes(shape));
    }

    /// Decodes as the other method does, [#LEAST_TOKENS] at least.
    void decode(IoMode io, double residentShare, PrefetchChoice prefetch, double seconds, LayerTimes times)
            throws IOException {
        decode(io, residentShare, prefetch, new Period(seconds, LEAST_TOKENS), times);
    }

    /// Decodes random tokens for some time and adds to `times` what the layers took after the first half of it, which
    /// are those of some tokens at least, however busy the machine is.
    ///
    /// @param residentShare of the experts that there is room for; misses are spread over the layers by chance
    /// @param prefetch whether experts of the next layers are loaded ahead, or each is when a layer asks for it
    /// @throws IOException if the thread is interrupted
    void decode(IoMode io, double residentShare, PrefetchChoice prefetch, Period period, LayerTimes times)
            throws IOException {
        long slots = Math.round(residentShare * shape.layers() * shape.experts());
        requireNoInterrupt();
        EngineConfig limited = config.withIo(io)
                .withPolicy("lru", Optional.empty())
                .withPrefetch(prefetch)
                .withRamBytes(slots * expertBytes());
        try (Engine engine = Engine.open(store, limited);
                Session session = engine.newSession(LAST_POSITION)) {
            session.listen(times);
            SplittableRandom random = new SplittableRandom(0);
            session.prefill(OPENING);
            long begin = System.nanoTime();
            times.pause();
            decode(session, random, begin, period.seconds() / 2, 0);
            times.begin();
            decode(session, random, begin, period.seconds(), period.leastTokens());
        }
    }

    /// Reads prompts of random tokens for some time, with all experts in memory, and adds to `times` what the layers
    /// took after the first half of it, which are those of one prompt at least.
    ///
    /// @throws IOException if the thread is interrupted
    void read(int tokens, double seconds, LayerTimes times) throws IOException {
        requireNoInterrupt();
        EngineConfig resident = config.withPrefetch(PrefetchChoice.OFF)
                .withRamBytes((long) shape.layers() * shape.experts() * expertBytes());
        try (Engine engine = Engine.open(store, resident);
                Session session = engine.newSession(tokens)) {
            session.listen(times);
            SplittableRandom random = new SplittableRandom(0);
            long begin = System.nanoTime();
            times.pause();
            read(session, tokens, random, begin, seconds / 2);
            times.begin();
            read(session, tokens, random, begin, seconds);
        }
    }

    /// Reads prompts until `seconds` after `begin`, one at least.
    private void read(Session session, int tokens, SplittableRandom random, long begin, double seconds)
            throws InterruptedIOException {
        do {
            requireNoInterrupt();
            session.truncate(0);
            session.prefill(random.ints(tokens, 0, shape.vocabulary()).toArray());
        } while (System.nanoTime() - begin < seconds * NANOS_PER_SECOND);
    }

    /// Decodes until `seconds` after `begin`, and `least` tokens at least.
    private void decode(Session session, SplittableRandom random, long begin, double seconds, int least)
            throws InterruptedIOException {
        for (int done = 0; done < least || System.nanoTime() - begin < seconds * NANOS_PER_SECOND; done++) {
            requireNoInterrupt();
            if (session.position() == session.capacity()) {
                session.truncate(OPENING.length);
            }
            session.decode(random.nextInt(shape.vocabulary()));
        }
    }

    /// Opening a store fails, and decoding goes on, when the thread is interrupted.
    private static void requireNoInterrupt() throws InterruptedIOException {
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedIOException("the measurement was interrupted");
        }
    }
}
