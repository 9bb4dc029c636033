package io.moetier.lab.synthetic;

import io.moetier.storage.model.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.Pattern;

/// Token i stands for the i-th word of a text, so that experts are used again as the text uses words again.
///
/// The embedding of a token is a vector of its word, a little of its own, and one that all have in common, which makes
/// some experts hot. Layers add little to it, so that routers see mostly the word, as trained ones do. Row i + 1 of the
/// output matrix is the embedding of token i without what is common: greedy decoding from tokens 0 to n - 1 goes on
/// with n, n + 1 and so on, whichever engine decodes.
final class TextRouting implements Routing {
    private static final Pattern WORD = Pattern.compile("\\p{L}[\\p{L}']*|[^\\p{L}\\s]");
    private static final double OWN = 0.35; // of a word's vector
    private static final double COMMON = 0.6;
    private static final double EMBEDDING_SCALE = 0.5;
    private static final double OUTPUT_SCALE = 0.05;
    private static final long OWN_VECTORS = 1L << 32; // seeds of words lie below
    private static final long COMMON_VECTOR = -1;

    private final int hidden;
    private final int[] words; // of each token
    private final long seed;
    private final double[] common;

    private TextRouting(int hidden, int[] words, long seed) {
        this.hidden = hidden;
        this.words = words;
        this.seed = seed;
        this.common = new double[hidden];
        add(COMMON, COMMON_VECTOR, common);
    }

    /// Reads the text, which begins again where it is shorter than the vocabulary.
    ///
    /// @throws IOException if it cannot be read
    /// @throws IllegalArgumentException if it has no word
    static TextRouting of(Path text, ModelShape shape, long seed) throws IOException {
        String letters = new String(Files.readAllBytes(text), StandardCharsets.UTF_8).toLowerCase(Locale.ROOT);
        Map<String, Integer> numbers = new HashMap<>();
        int[] found = WORD.matcher(letters)
                .results()
                .limit(shape.vocabulary())
                .mapToInt(word -> numbers.computeIfAbsent(word.group(), _ -> numbers.size()))
                .toArray();
        if (found.length == 0) {
            throw new IllegalArgumentException(text + ": expected a text, found no word");
        }
        int[] words = new int[shape.vocabulary()];
        for (int i = 0; i < words.length; i++) {
            words[i] = found[i % found.length];
        }
        return new TextRouting(shape.hidden(), words, seed);
    }

    @Override
    public String architecture() {
        return "llama";
    }

    @Override
    public boolean hasHeadNorms() {
        return false;
    }

    @Override
    public DType tableType() {
        return DType.Q4_1;
    }

    @Override
    public Rows embedding() {
        return rows((token, row) -> {
            System.arraycopy(common, 0, row, 0, hidden);
            addToken(token, row);
            scale(EMBEDDING_SCALE, row);
        });
    }

    @Override
    public Rows output() {
        return rows((token, row) -> {
            if (token > 0) {
                addToken(token - 1, row);
                scale(OUTPUT_SCALE, row);
            }
        });
    }

    @Override
    public double routerDeviation() {
        return 4.5;
    }

    @Override
    public double addedShare() {
        return 0.01;
    }

    /// Returns the number of the word that a token stands for.
    int word(int token) {
        return words[token];
    }

    private interface Row {
        /// Fills `row`, which is zero, with that of a token.
        void fill(int token, double[] row);
    }

    private Rows rows(Row content) {
        return (first, blocks) -> {
            long rowBytes = tableType().bytes(hidden);
            for (int i = 0; i < blocks.byteSize() / rowBytes; i++) {
                double[] row = new double[hidden];
                content.fill(first + i, row);
                NibblesWithMinimum.encode(row, blocks.asSlice(i * rowBytes, rowBytes));
            }
        };
    }

    private void addToken(int token, double[] row) {
        add(1, words[token], row);
        add(OWN, OWN_VECTORS + token, row);
    }

    /// Adds the random vector of a number.
    private void add(double factor, long number, double[] row) {
        SplittableRandom random = new SplittableRandom(new SplittableRandom(seed ^ number).nextLong());
        for (int i = 0; i < row.length; i++) {
            row[i] += factor * random.nextGaussian();
        }
    }

    private static void scale(double factor, double[] row) {
        for (int i = 0; i < row.length; i++) {
            row[i] *= factor;
        }
    }
}
