package io.moetier.lab.synthetic;

import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.model.DType;
import io.moetier.storage.model.ExpertId;
import java.nio.file.Path;
import java.util.Optional;

/// What is to be written, as the command line says it.
///
/// @param text by which experts are chosen, with `--routing text`
record Arguments(Path file, ModelShape shape, DType dtype, long seed, boolean routedByText, Optional<Path> text) {
    private static final String USAGE = "usage: SyntheticModel FILE.gguf [--type q8_0|q4_0|q4_1|q4_k|q6_k|bf16|f32]"
            + " [--layers N] [--experts N] [--experts-per-token N] [--hidden N] [--expert-hidden N] [--vocabulary N]"
            + " [--seed N] [--routing random|text] [--text FILE]";
    private static final String PER_TOKEN = "--experts-per-token";
    private static final int MAX_LAYERS = ExpertId.MAX_INDEX / 2 + 1;
    private static final int MAX_EXPERTS = ExpertId.MAX_INDEX + 1;
    private static final int MAX_WIDTH = 1 << 16;
    private static final int MAX_VOCABULARY = 1 << 20; // no model's is larger, and the tokenizer is made in memory

    /// Reads the arguments; by default the model has OLMoE-1B-7B's shape in q8_0.
    ///
    /// @throws IllegalArgumentException if there is something else, with a sentence that names it
    static Arguments parse(String[] args) {
        if (args.length == 0 || args[0].startsWith("--")) {
            throw new IllegalArgumentException(USAGE);
        }
        Arguments arguments = new Arguments(Path.of(args[0]), ModelShape.OLMOE, DType.Q8_0, 0, false, Optional.empty());
        for (boolean last : new boolean[] {false, true}) {
            for (int i = 1; i < args.length; i += 2) {
                if (i + 1 == args.length) {
                    throw new IllegalArgumentException(args[i] + " needs a value; " + USAGE);
                }
                if (args[i].equals(PER_TOKEN) == last) { // how many there may be depends on another option
                    arguments = arguments.with(args[i], args[i + 1]);
                }
            }
        }
        if (arguments.routedByText() != arguments.text().isPresent()) {
            throw new IllegalArgumentException("--routing text and --text FILE go together");
        }
        return arguments;
    }

    private Arguments with(String option, String value) {
        return switch (option) {
            case "--type" -> with(type(option, value));
            case "--layers" -> with(shape.withLayers(number(option, value, 1, MAX_LAYERS)));
            case "--experts" -> with(shape.withExperts(number(option, value, 1, MAX_EXPERTS)));
            case PER_TOKEN -> with(shape.withExpertsPerToken(number(option, value, 1, shape.experts())));
            case "--hidden" -> with(shape.withHidden(width(option, value)));
            case "--expert-hidden" -> with(shape.withExpertHidden(width(option, value)));
            case "--vocabulary" ->
                with(shape.withVocabulary(number(option, value, SmallVocabulary.LEAST_SIZE, MAX_VOCABULARY)));
            case "--seed" -> with(wholeNumber(option, value, Long.MIN_VALUE, Long.MAX_VALUE));
            case "--routing" -> new Arguments(file, shape, dtype, seed, isText(option, value), text);
            case "--text" -> new Arguments(file, shape, dtype, seed, routedByText, Optional.of(Path.of(value)));
            default -> throw new IllegalArgumentException("there is no option " + option + "; " + USAGE);
        };
    }

    private Arguments with(ModelShape other) {
        return new Arguments(file, other, dtype, seed, routedByText, text);
    }

    private Arguments with(DType other) {
        return new Arguments(file, shape, other, seed, routedByText, text);
    }

    private Arguments with(long other) {
        return new Arguments(file, shape, dtype, other, routedByText, text);
    }

    private static boolean isText(String option, String value) {
        return switch (value) {
            case "random" -> false;
            case "text" -> true;
            default -> throw new IllegalArgumentException(option + ": expected random or text, found " + value);
        };
    }

    private static DType type(String option, String value) {
        try {
            return RandomWeights.type(value);
        } catch (InvalidOptionException e) {
            throw new IllegalArgumentException(e.sentence(field -> option), e);
        }
    }

    private static int number(String option, String value, int least, int most) {
        return (int) wholeNumber(option, value, least, most);
    }

    private static int width(String option, String value) {
        int width = number(option, value, ModelShape.LONGEST_BLOCK, MAX_WIDTH);
        if (width % ModelShape.LONGEST_BLOCK != 0) {
            throw new IllegalArgumentException(
                    option + " must be a multiple of " + ModelShape.LONGEST_BLOCK + ", not " + value);
        }
        return width;
    }

    private static long wholeNumber(String option, String value, long least, long most) {
        try {
            long number = Long.parseLong(value);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // refused like one that is too large
        }
        throw new IllegalArgumentException(
                option + " must be a whole number from " + least + " to " + most + ", not " + value);
    }
}
