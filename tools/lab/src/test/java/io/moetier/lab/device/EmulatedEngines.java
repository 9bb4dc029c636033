package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.kernels.cuda.CudaDevice;
import io.moetier.kernels.cuda.driver.CudaDriver;
import io.moetier.kernels.cuda.driver.CudaLookup;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.Device;
import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Engines on an emulated GPU, for tests.
///
/// Tests that are tagged `gpu` run on the machine's first GPU instead if the system property `moetier.cuda` is `real`.
final class EmulatedEngines {
    /// A store beside the files of a checkpoint, where these are packed for a machine that is to import nothing.
    static final String PACKED = "packed.mtier";

    private static final Pattern LEAST = Pattern.compile("^vramBytes: .* this model needs at least ([\\d,]+):");

    private EmulatedEngines() {}

    /// Returns the store of a checkpoint, made once in `directory` unless there is one.
    static Path store(Path directory, Path checkpoint) {
        Path packed = checkpoint.resolve(PACKED);
        if (Files.exists(packed)) {
            return packed;
        }
        Path store = directory.resolve(checkpoint.getFileName() + ".mtier");
        if (!Files.exists(store)) {
            writeStore(checkpoint, store);
        }
        return store;
    }

    /// Imports a checkpoint.
    static void writeStore(Path checkpoint, Path store) {
        writeStore(checkpoint, Quantisation.KEEP, store);
    }

    /// Imports a checkpoint with its weights rounded.
    static void writeStore(Path checkpoint, Quantisation quantisation, Path store) {
        try (ModelSource source = ModelSource.open(checkpoint)) {
            new CheckpointImporter(source, quantisation).run(store, false, bytes -> {});
        }
    }

    /// Returns a configuration for short texts.
    static EngineConfig config(EmulatedOptions options) {
        return config(options, ActivationType.F32);
    }

    /// Returns a configuration for short texts.
    static EngineConfig config(EmulatedOptions options, ActivationType activations) {
        boolean real = "real".equals(System.getProperty("moetier.cuda"));
        return EngineConfig.DEFAULT
                .withContextLength(64)
                .withDevice(
                        real
                                ? () -> openReal(activations)
                                : new EmulatedCuda(options, Optional.empty(), false, activations));
    }

    private static Device openReal(ActivationType activations) {
        return CudaDevice.open(find(Optional.empty()), 0, activations);
    }

    /// Opens the first device of a driver that runs.
    static Device open(EmulatedDriver driver) {
        return open(driver, 0);
    }

    /// Opens a device of a driver that runs.
    static Device open(EmulatedDriver driver, int ordinal) {
        return CudaDevice.open(find(driver), ordinal);
    }

    /// Returns a driver that runs as engines see it.
    static CudaDriver find(EmulatedDriver driver) {
        return find(Optional.of(driver.library()));
    }

    private static CudaDriver find(Optional<Path> library) {
        return switch (CudaDriver.find(library, Optional.empty())) {
            case CudaLookup.Found(CudaDriver found) -> found;
            case CudaLookup.Absent(String reason, boolean _) -> throw new AssertionError(reason);
        };
    }

    /// Returns a configuration with the least that the model can be run with, on each device and in main memory: what
    /// refusals say is enough.
    static EngineConfig least(Path store, EngineConfig config) {
        long vram = 1;
        while (true) {
            EngineConfig least = config.withVramBytes(vram);
            try (Engine engine = Engine.open(store, least)) {
                return least.withRamBytes(engine.minimumRamBytes());
            } catch (InvalidOptionException e) {
                vram = needed(e, vram);
            }
        }
    }

    private static long needed(InvalidOptionException refused, long found) {
        Matcher least = LEAST.matcher(String.valueOf(refused.getMessage()));
        assertTrue(least.find(), refused::toString);
        long needed = Long.parseLong(least.group(1).replace(",", ""));
        assertTrue(needed > found, refused::toString);
        return needed;
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
