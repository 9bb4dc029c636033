package io.moetier.tools.emulate;

import io.moetier.engine.convert.CheckpointImporter;
import io.moetier.engine.convert.ModelSource;
import io.moetier.engine.convert.Quantisation;
import io.moetier.engine.device.Device;
import io.moetier.engine.device.cuda.CudaDevice;
import io.moetier.engine.device.cuda.CudaDriver;
import io.moetier.engine.device.cuda.CudaLookup;
import io.moetier.engine.session.Engine;
import io.moetier.engine.session.EngineConfig;
import io.moetier.engine.session.Session;
import io.moetier.tools.emulate.driver.EmulatedDriver;
import io.moetier.tools.emulate.driver.EmulatedOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/// Engines on an emulated GPU, for tests.
final class EmulatedEngines {
    private EmulatedEngines() {}

    /// Returns the store of a checkpoint, made once in `directory`.
    static Path store(Path directory, Path checkpoint) {
        Path store = directory.resolve(checkpoint.getFileName() + ".mtier");
        if (!Files.exists(store)) {
            try (ModelSource source = ModelSource.open(checkpoint)) {
                new CheckpointImporter(source, Quantisation.KEEP).run(store, false, bytes -> {});
            }
        }
        return store;
    }

    /// Returns a configuration for short texts.
    static EngineConfig config(EmulatedOptions options) {
        return EngineConfig.DEFAULT.withContextLength(64).withDevice(new EmulatedCuda(options, Optional.empty()));
    }

    /// Opens the first device of a driver that runs.
    static Device open(EmulatedDriver driver) {
        return open(driver, 0);
    }

    /// Opens a device of a driver that runs.
    static Device open(EmulatedDriver driver, int ordinal) {
        return switch (CudaDriver.find(Optional.of(driver.library()), Optional.empty())) {
            case CudaLookup.Found(CudaDriver found) -> CudaDevice.open(found, ordinal);
            case CudaLookup.Absent(String reason, boolean _) -> throw new AssertionError(reason);
        };
    }

    /// Returns a configuration with the least that the model can be run with, on the device and in main memory.
    static EngineConfig least(Path store, EngineConfig config) {
        try (Engine engine = Engine.open(store, config)) {
            return config.withVramBytes(engine.minimumVramBytes()).withRamBytes(engine.minimumRamBytes());
        }
    }

    /// Returns the logits after each of `tokens`, computed together, `[tokens, vocabulary]`.
    static float[] logits(Session session, int[] tokens, int vocabSize) {
        float[] logits = new float[tokens.length * vocabSize];
        int first = session.position();
        session.prefill(
                tokens, (position, row) -> System.arraycopy(row, 0, logits, (position - first) * vocabSize, vocabSize));
        return logits;
    }

    /// Returns the likeliest token of a row of logits.
    static int likeliest(float[] logits, int row, int vocabSize) {
        int best = row * vocabSize;
        for (int i = best; i < (row + 1) * vocabSize; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        return best - row * vocabSize;
    }

    /// Returns what a prompt and the tokens after it make of a model, bit for bit: all logits of the prompt and of each
    /// of `steps` likeliest tokens behind it.
    static int[] bits(Engine engine, int[] prompt, int steps) {
        int vocabSize = engine.spec().vocabSize();
        try (Session session = engine.newSession()) {
            float[] ofPrompt = logits(session, prompt, vocabSize);
            float[] all = Arrays.copyOf(ofPrompt, (prompt.length + steps) * vocabSize);
            for (int row = prompt.length; row < prompt.length + steps; row++) {
                session.decode(likeliest(all, row - 1, vocabSize));
                System.arraycopy(session.logits(), 0, all, row * vocabSize, vocabSize);
            }
            int[] bits = new int[all.length];
            Arrays.setAll(bits, i -> Float.floatToRawIntBits(all[i]));
            return bits;
        }
    }
}
