package io.moetier.lab.foreign;

import io.moetier.storage.model.Phase;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/// The CSV of `llama-moe-trace`: rows `pos,layer,id0,id1,…` without a header.
///
/// Generated tokens have the positions 0, 1, …; those of the prompt rise within each batch that is computed, and
/// not from one to the next, so a prompt may have the same position more than once and only the order tells them
/// apart. Files may be put one after another: a prompt after generated tokens is the next request. Where the last
/// layer computes only the tokens whose logits are wanted, it has only their rows.
final class LlamaMoeTrace implements ForeignTrace {
    private static final int MOST_LINE_BYTES = 1 << 16;
    private static final int FIRST_ID = 2;
    private static final int MOST_LAYERS = 1 << 15;

    private final Path file;
    private final int numExperts;

    LlamaMoeTrace(Path file, int numExperts) {
        this.file = file;
        this.numExperts = numExperts;
    }

    @Override
    public Optional<String> model() {
        return Optional.empty();
    }

    @Override
    public OptionalInt numExperts() {
        return OptionalInt.empty();
    }

    @Override
    public void read(Consumer<ForeignToken> tokens) {
        try (TextLines lines = new TextLines(file, MOST_LINE_BYTES)) {
            new Reading(lines, tokens).run();
        }
    }

    /// One reading of the file.
    private final class Reading {
        private final TextLines lines;
        private final Consumer<ForeignToken> tokens;
        private int numColumns;
        private int request;
        private int position;
        private Phase phase = Phase.PREFILL;
        private ForwardPass pass = new ForwardPass();

        Reading(TextLines lines, Consumer<ForeignToken> tokens) {
            this.lines = lines;
            this.tokens = tokens;
        }

        void run() {
            for (String line = lines.next(); line != null; line = lines.next()) {
                add(line.split(",", -1));
            }
            endPass();
        }

        private void add(String[] columns) {
            numColumns = numColumns == 0 ? Math.max(columns.length, FIRST_ID + 1) : numColumns;
            if (columns.length != numColumns) {
                throw lines.unexpected("columns", numColumns + ", pos,layer,id0,…", columns.length);
            }
            int step = lines.number("pos", columns[0]);
            int layer = lines.number("layer", columns[1]);
            if (layer < 0 || layer >= MOST_LAYERS) {
                throw lines.unexpected("layer", "a number from 0 to " + (MOST_LAYERS - 1), layer);
            }
            begin(step < 0 ? Phase.PREFILL : Phase.DECODE, layer, step);
            if (!pass.add(layer, step, Choice.of(experts(columns)))) {
                throw lines.unexpected("pos", "another token than " + step + " in layer " + layer, "it again");
            }
        }

        private void begin(Phase next, int layer, int step) {
            if (next != phase || !pass.continuesWith(layer, step)) {
                endPass();
            }
            if (next == Phase.PREFILL && phase == Phase.DECODE) {
                request++;
                position = 0;
            }
            phase = next;
        }

        private int[] experts(String[] columns) {
            int[] experts = new int[columns.length - FIRST_ID];
            for (int i = 0; i < experts.length; i++) {
                experts[i] = lines.number("id" + i, columns[i + FIRST_ID]);
            }
            if (!Choice.areDistinct(experts, numExperts)) {
                String found = String.join(",", columns).split(",", FIRST_ID + 1)[FIRST_ID];
                throw lines.unexpected("ids", "distinct experts from 0 to " + (numExperts - 1), found);
            }
            return experts;
        }

        private void endPass() {
            pass.tokens().forEach((_, choices) -> {
                tokens.accept(new ForeignToken(request, position, phase, choices));
                position++;
            });
            pass = new ForwardPass();
        }
    }
}
