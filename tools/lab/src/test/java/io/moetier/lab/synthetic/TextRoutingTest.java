package io.moetier.lab.synthetic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.storage.format.Floats;
import io.moetier.storage.model.DType;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.DoubleSummaryStatistics;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A model whose routing follows a text, run by the engine.
class TextRoutingTest {
    private static final ModelShape SMALL = new ModelShape(2, 1024, 8, 16, 4, 256, 1024);
    private static final Path TEXT =
            Objects.requireNonNull(TestData.root().toAbsolutePath().getParent()).resolve("LICENSE");
    private static final int PROMPT = 300;
    private static final int GENERATED = 60;
    private static final long SEED = 3;

    @TempDir
    static Path directory = Path.of("");

    private static Path store = Path.of("");

    @BeforeAll
    static void writeModel() throws IOException {
        Path file = directory.resolve("routed.gguf");
        TextRouting routing = TextRouting.of(TEXT, SMALL, SEED);
        SyntheticModel.write(file, SMALL, DType.Q4_1, SEED, routing);
        store = directory.resolve("routed.mtier");
        try (ModelSource source = ModelSource.open(file)) {
            new CheckpointImporter(source, Quantisation.KEEP).run(store, false, bytes -> {});
        }
    }

    @Test
    void greedyDecodingContinuesTheTokensOneByOne() {
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT);
                Session session = engine.newSession()) {
            session.prefill(IntStream.range(0, PROMPT).toArray());
            for (int token = PROMPT; token < PROMPT + GENERATED; token++) {
                assertEquals(token, session.largestLogits(1).index(0));
                session.decode(token);
            }
        }
    }

    @Test
    void expertsAreUsedAgainAsWordsAre() throws IOException {
        TextRouting routing = TextRouting.of(TEXT, SMALL, SEED);
        BitSet[] chosen = IntStream.range(0, PROMPT).mapToObj(_ -> new BitSet()).toArray(BitSet[]::new);
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT);
                Session session = engine.newSession()) {
            session.listen((layer, pass, k, ids, _, _) ->
                    IntStream.range(0, pass.n() * k).forEach(i -> chosen[i / k].set(layer * SMALL.experts() + ids[i])));
            session.prefill(IntStream.range(0, PROMPT).toArray());
        }
        DoubleSummaryStatistics sameWord = new DoubleSummaryStatistics();
        DoubleSummaryStatistics others = new DoubleSummaryStatistics();
        for (int token = 0; token < PROMPT; token++) {
            for (int before = 0; before < token; before++) {
                BitSet both = (BitSet) chosen[token].clone();
                both.and(chosen[before]);
                double share = (double) both.cardinality() / chosen[token].cardinality();
                (routing.word(token) == routing.word(before) ? sameWord : others).accept(share);
            }
        }
        assertTrue(sameWord.getAverage() > 0.7, sameWord::toString);
        assertTrue(others.getAverage() < 0.5, others::toString);
    }

    @Test
    void theSeedAndTheTextDecideEveryByte() throws IOException {
        Path text = Files.writeString(directory.resolve("other.txt"), "a text of some other words");
        Path first = written("first.gguf", "--seed 1 --text " + TEXT);
        assertEquals(-1, Files.mismatch(first, written("again.gguf", "--seed 1 --text " + TEXT)));
        assertTrue(Files.mismatch(first, written("seed.gguf", "--seed 2 --text " + TEXT)) > 0);
        assertTrue(Files.mismatch(first, written("text.gguf", "--seed 1 --text " + text)) > 0);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --routing words              | --routing: expected random or text, found words
            --routing text               | --routing text and --text FILE go together
            --text LICENSE               | --routing text and --text FILE go together
            --routing text --text /dev/null | /dev/null: expected a text, found no word
            """)
    void badArgumentsAreOneSentence(String arguments, String expected) {
        Path file = directory.resolve("bad.gguf");
        Exception refused = assertThrows(
                IllegalArgumentException.class, () -> SyntheticModel.main((file + " " + arguments).split(" ")));
        assertEquals(expected, refused.getMessage());
        assertTrue(Files.notExists(file));
    }

    @Test
    void aRowIsRoundedToTheNearestOfSixteenSteps() {
        double[] row = new Random(SEED).doubles(64, -1, 1).toArray();
        Arrays.fill(row, 32, 64, 0.25); // a block of one value has no steps
        MemorySegment blocks = MemorySegment.ofArray(new byte[2 * DType.Q4_1.blockBytes()]);
        NibblesWithMinimum.encode(row, blocks);
        float[] decoded = new float[row.length];
        Floats.decode(DType.Q4_1, blocks, row.length, decoded, 0);
        for (int i = 0; i < row.length; i++) {
            assertEquals(row[i], decoded[i], i < 32 ? 1.001 / 15 : 0);
        }
    }

    private static Path written(String name, String arguments) throws IOException {
        Path file = directory.resolve(name);
        String small = " --type q4_1 --layers 1 --experts 2 --vocabulary 1000 --routing text ";
        SyntheticModel.main((file + small + arguments).split(" "));
        return file;
    }
}
