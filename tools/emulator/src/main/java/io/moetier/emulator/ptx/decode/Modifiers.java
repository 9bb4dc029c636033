package io.moetier.emulator.ptx.decode;

import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Rounding;
import io.moetier.emulator.ptx.code.Space;
import io.moetier.emulator.ptx.text.PtxException;
import io.moetier.emulator.ptx.text.Tokens;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The modifiers of an opcode, taken one by one: what is left over is not known and is refused.
final class Modifiers {
    private final Tokens tokens;
    private final int line;
    private final List<String> words;

    Modifiers(Tokens tokens, int line, List<String> words) {
        this.tokens = tokens;
        this.line = line;
        this.words = new ArrayList<>(words);
    }

    /// Takes the first modifier of this name, wherever it stands.
    boolean take(String word) {
        return words.remove(word);
    }

    boolean takeAny(String... choices) {
        boolean taken = false;
        for (String choice : choices) {
            taken |= take(choice);
        }
        return taken;
    }

    /// Takes the modifier that stands first.
    String first() {
        if (words.isEmpty()) {
            throw tokens.refuse(line, "a modifier is missing");
        }
        return words.removeFirst();
    }

    boolean startsWith(String prefix) {
        return !words.isEmpty() && words.getFirst().startsWith(prefix);
    }

    boolean isEmpty() {
        return words.isEmpty();
    }

    /// Takes the last modifier, which must be a type.
    PtxType type() {
        PtxType type = words.isEmpty() ? null : PtxType.of(words.getLast());
        if (type == null) {
            throw unknown(words.isEmpty() ? "" : words.getLast());
        }
        words.removeLast();
        return type;
    }

    /// Takes a space if one stands first, else returns GENERIC.
    Space space() {
        for (String word : words) {
            Space space = Space.of(word);
            if (space != null) {
                words.remove(word);
                return space;
            }
        }
        return Space.GENERIC;
    }

    /// Takes the rounding of a float; nearest if there is none.
    Rounding rounding() {
        return take("rn")
                ? Rounding.NEAREST
                : take("rz") ? Rounding.ZERO : take("rm") ? Rounding.DOWN : take("rp") ? Rounding.UP : Rounding.NEAREST;
    }

    /// Takes the rounding of a float to a whole number, if there is one.
    @Nullable
    Rounding wholeRounding() {
        return take("rni")
                ? Rounding.NEAREST
                : take("rzi") ? Rounding.ZERO : take("rmi") ? Rounding.DOWN : take("rpi") ? Rounding.UP : null;
    }

    /// Drops the modifiers that start with any of these.
    void dropPrefixed(String... prefixes) {
        words.removeIf(word -> List.of(prefixes).stream().anyMatch(word::startsWith));
    }

    /// Refuses what nobody has taken.
    void end() {
        if (!words.isEmpty()) {
            throw unknown(words.getFirst());
        }
    }

    PtxException unknown(String word) {
        return tokens.refuse(line, "unknown modifier ." + word);
    }
}
