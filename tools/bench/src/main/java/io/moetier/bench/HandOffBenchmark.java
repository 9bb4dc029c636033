package io.moetier.bench;

import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.lab.device.EmulatedCuda;
import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.storage.file.FileTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// What a decoded token takes the host of a CUDA device beside the driver: a step on a driver that does nothing.
///
/// All experts are there, and are chosen by what the last copy left. The time of a layer is that of a token over the
/// layers of the model, eight in the one that comes with Moetier.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class HandOffBenchmark {
    private static final int POSITIONS = 64;

    /// The checkpoint.
    @Param("test-data/models/tiny-mixtral")
    String model = "";

    private Path directory = Path.of("");
    private Optional<Engine> engine = Optional.empty();
    private Optional<Session> session = Optional.empty();

    /// Opens the model, decodes a token on the emulated driver, and has that do nothing from then on.
    @Setup(Level.Trial)
    public void open() throws IOException {
        directory = Files.createTempDirectory("moetier-hand-off");
        Path store = directory.resolve("model.mtier");
        try (ModelSource source = ModelSource.open(Path.of(model))) {
            new CheckpointImporter(source, Quantisation.KEEP).run(store, false, bytes -> {});
        }
        EmulatedCuda device = new EmulatedCuda(EmulatedOptions.DEFAULT, Optional.empty());
        Engine opened = Engine.open(
                store, EngineConfig.DEFAULT.withContextLength(POSITIONS).withDevice(device));
        engine = Optional.of(opened);
        Session decoder = opened.newSession();
        session = Optional.of(decoder);
        decoder.prefill(new int[] {1, 5, 9});
        decoder.decode(7);
        device.driver().silenceSteps();
    }

    /// Decodes a token.
    @Benchmark
    public int decode() {
        Session decoder = session.orElseThrow();
        if (decoder.position() == POSITIONS) {
            decoder.truncate(3);
        }
        decoder.decode(7);
        return decoder.position();
    }

    /// Closes the model and removes its store.
    @TearDown(Level.Trial)
    public void close() throws IOException {
        session.ifPresent(Session::close);
        engine.ifPresent(Engine::close);
        FileTree.delete(directory);
    }
}
