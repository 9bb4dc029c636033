package io.moetier.runtime.text.bounded;

import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.BitSet;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/// The compiled rules by which SentencePiece replaces characters, checked, since the library follows them blindly: the
/// size of a trie in bytes, the trie, and the replacements, each of which ends with a zero byte.
///
/// The trie is a double array (Yata et al. 2007, doi:10.1016/j.ipm.2006.04.004), as the library darts-clone writes it.
final class Charsmap {
    private static final String KEY = "precompiled_charsmap";
    private static final int MOST_UNITS = 1 << 22;
    private static final int BYTE_VALUES = 256;

    private final JsonObject json;
    private final int[] units;
    private final byte[] replacements;
    private final BitSet visited = new BitSet();
    private final Deque<Integer> open = new ArrayDeque<>();

    private Charsmap(JsonObject json) {
        this.json = json;
        ByteBuffer bytes = decoded().order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.remaining() < 2 * Integer.BYTES) {
            throw unexpected("the size of a trie and the trie", bytes.remaining() + " bytes");
        }
        int size = bytes.getInt();
        if (size < Integer.BYTES || size > bytes.remaining() || size / Integer.BYTES > MOST_UNITS) {
            throw unexpected("a trie of at most " + bytes.remaining() + " bytes", Integer.toUnsignedString(size));
        }
        units = new int[size / Integer.BYTES];
        bytes.asIntBuffer().get(units);
        bytes.position(bytes.position() + units.length * Integer.BYTES);
        replacements = new byte[bytes.remaining()];
        bytes.get(replacements);
        requireUtf8();
        walk();
    }

    /// Checks the rules of a component and returns how many characters they put in place of one at most.
    static int mostPerCharacter(JsonObject json) {
        return new Charsmap(json).longest();
    }

    private ByteBuffer decoded() {
        try {
            return ByteBuffer.wrap(Base64.getDecoder().decode(json.requireString(KEY)));
        } catch (IllegalArgumentException e) {
            throw unexpected("base 64", e.getMessage());
        }
    }

    private void requireUtf8() {
        try {
            CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(replacements));
            text.rewind();
        } catch (CharacterCodingException e) {
            throw unexpected("replacements in UTF-8", "other bytes");
        }
    }

    /// Goes wherever some text may lead.
    private void walk() {
        enter(offset(units[0]));
        while (!open.isEmpty()) {
            int from = open.pop();
            for (int value = 1; value < BYTE_VALUES; value++) {
                int unit = unit(from ^ value);
                if ((unit & (1 << 31 | BYTE_VALUES - 1)) == value) {
                    follow(from ^ value ^ offset(unit), (unit >>> 8 & 1) != 0);
                }
            }
        }
    }

    private void follow(int place, boolean isLeaf) {
        if (isLeaf) {
            int start = unit(place) & Integer.MAX_VALUE;
            // A byte that goes on with a character begins none.
            if (start > replacements.length || (start < replacements.length && (replacements[start] & 0xc0) == 0x80)) {
                throw unexpected("a replacement at a byte from 0 to " + replacements.length, start);
            }
        }
        enter(place);
    }

    private void enter(int place) {
        if (place < 0 || place >= units.length) {
            throw unexpected("a trie of more than " + place + " units", units.length);
        }
        if (!visited.get(place)) {
            visited.set(place);
            open.push(place);
        }
    }

    private int unit(int place) {
        if (place < 0 || place >= units.length) {
            throw unexpected("a trie of more than " + place + " units", units.length);
        }
        return units[place];
    }

    private static int offset(int unit) {
        return unit >>> 10 << ((unit & 1 << 9) >>> 6);
    }

    private int longest() {
        int longest = 1;
        int run = 0;
        for (byte value : replacements) {
            run = value == 0 ? 0 : run + ((value & 0xc0) == 0x80 ? 0 : 1);
            longest = Math.max(longest, run);
        }
        return longest;
    }

    private MalformedModelException unexpected(String expected, @Nullable Object found) {
        return json.unexpected(KEY, expected, found);
    }
}
