package io.moetier.cluster.drive;

import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Sampler;
import io.moetier.runtime.session.SamplingParams;
import io.moetier.runtime.session.Session;
import io.moetier.testdata.TestData;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;

/// The text that a model makes of a prompt, as bits.
final class Text {
    private static final int DECODED = 4;
    private static final int[] PROMPT =
            IntStream.range(0, 20).map(i -> (i * 37 + 11) % 300).toArray();

    private Text() {}

    /// Returns the store of a checkpoint, which is imported when it is first asked for.
    static Path store(Path folder, String name) {
        Path target = folder.resolve(name + ".mtier");
        if (!Files.exists(target)) {
            Path checkpoint = name.equals("tiny-mixtral") ? TestData.tinyMixtral() : TestData.golden(name);
            try (ModelSource source = ModelSource.open(checkpoint)) {
                new CheckpointImporter(source, Quantisation.KEEP).run(target, false, _ -> {});
            }
        }
        return target;
    }

    /// Returns the configuration with the least memory that a model runs with.
    static EngineConfig least(Path store) {
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT.withThreads(1))) {
            return EngineConfig.DEFAULT.withThreads(1).withRamBytes(engine.minimumRamBytes());
        }
    }

    /// Returns the bits of one machine.
    static int[] alone(Path store) {
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT.withThreads(1))) {
            return bits(engine);
        }
    }

    /// Returns the bits of the logits after every token of the prompt and of a greedy continuation.
    static int[] bits(Engine engine) {
        return bits(engine, () -> {});
    }

    /// @param amid happens after each layer, in the middle of a pass
    static int[] bits(Engine engine, Runnable amid) {
        int vocab = engine.spec().vocabSize();
        int[] bits = new int[(PROMPT.length + DECODED) * vocab];
        try (Session session = engine.newSession()) {
            session.listen((_, _, _, _, _, _) -> amid.run());
            session.prefill(PROMPT, (position, logits) -> copyBits(logits, bits, position * vocab));
            Sampler sampler = new Sampler(SamplingParams.GREEDY, vocab, engine.contextLength());
            for (int i = 0; i < DECODED; i++) {
                session.decode(sampler.sample(session.logits()));
                copyBits(session.logits(), bits, (PROMPT.length + i) * vocab);
            }
        }
        return bits;
    }

    private static void copyBits(float[] logits, int[] bits, int at) {
        for (int i = 0; i < logits.length; i++) {
            bits[at + i] = Float.floatToRawIntBits(logits[i]);
        }
    }
}
