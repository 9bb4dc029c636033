package io.moetier.runtime.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.moetier.storage.model.MalformedModelException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/// A tokenizer inside the native library, whose errors name the file that it was made from.
///
/// DJL's own `HuggingFaceTokenizer` is passed by: it truncates at 512 tokens unless told otherwise, reports its use to
/// a server on some clouds, and may download a library. The native methods below it do none of that.
///
/// Shareable between threads; closing waits for what the library is doing with it.
final class NativeTokenizer implements AutoCloseable {
    private static final int REPLACEMENT = 0xFFFD;
    private static final TokenizersLibrary LIBRARY = TokenizersLibrary.LIB;

    private final Path source;
    private final ReentrantReadWriteLock use = new ReentrantReadWriteLock(); // written by who closes
    private long handle; // 0 once closed, guarded by use

    private NativeTokenizer(Path source, long handle) {
        this.source = source;
        this.handle = handle;
    }

    /// Makes a tokenizer of the text of a `tokenizer.json`.
    ///
    /// @throws MalformedModelException if it is none
    static NativeTokenizer create(String json, Path source) {
        try {
            long handle = LIBRARY.createTokenizerFromString(json);
            LIBRARY.disableTruncation(handle);
            LIBRARY.disablePadding(handle);
            return new NativeTokenizer(source, handle);
        } catch (RuntimeException e) { // the only type that the native side throws
            throw new MalformedModelException(source + ": not a tokenizer: " + e.getMessage(), e);
        }
    }

    Encoded encode(String text, boolean addSpecialTokens) {
        long encoding = encoding(text, addSpecialTokens);
        try {
            long[] marks = LIBRARY.getSpecialTokenMask(encoding);
            int behind = 0;
            while (behind < marks.length && marks[marks.length - 1 - behind] != 0) {
                behind++;
            }
            return new Encoded(ids(encoding), behind);
        } finally {
            LIBRARY.deleteEncoding(encoding);
        }
    }

    /// Returns the id of a text that is one token, written as in the vocabulary.
    Optional<Integer> idOf(String token) {
        long encoding = encoding(token, false);
        try {
            return List.of(LIBRARY.getTokens(encoding)).equals(List.of(token))
                    ? Optional.of(ids(encoding)[0])
                    : Optional.empty();
        } finally {
            LIBRARY.deleteEncoding(encoding);
        }
    }

    String decode(int[] ids, boolean skipSpecial) {
        long[] wide = Arrays.stream(ids).asLongStream().toArray();
        use.readLock().lock();
        try {
            return decode(handle(), wide, skipSpecial);
        } finally {
            use.readLock().unlock();
        }
    }

    private String decode(long open, long[] ids, boolean skipSpecial) {
        try {
            return LIBRARY.decode(open, ids, skipSpecial);
        } catch (RuntimeException e) {
            throw new MalformedModelException(source + ": cannot make a text of tokens: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        use.writeLock().lock();
        try {
            if (handle != 0) {
                LIBRARY.deleteTokenizer(handle);
                handle = 0;
            }
        } finally {
            use.writeLock().unlock();
        }
    }

    /// Returns an encoding, which outlives the tokenizer.
    private long encoding(String text, boolean addSpecialTokens) {
        use.readLock().lock();
        try {
            return encoding(handle(), text, addSpecialTokens);
        } finally {
            use.readLock().unlock();
        }
    }

    private long encoding(long open, String text, boolean addSpecialTokens) {
        try {
            return LIBRARY.encode(open, whole(text), addSpecialTokens);
        } catch (RuntimeException e) {
            throw new MalformedModelException(source + ": cannot make tokens of a text: " + e.getMessage(), e);
        }
    }

    /// Returns a text with replacement characters for halves of characters. The library would take one for three of
    /// them, and every character in two halves of the same text for six.
    private static String whole(String text) {
        if (text.codePoints().noneMatch(NativeTokenizer::isHalf)) {
            return text;
        }
        return text.codePoints()
                .map(character -> isHalf(character) ? REPLACEMENT : character)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    private static boolean isHalf(int character) {
        return Character.getType(character) == Character.SURROGATE;
    }

    private int[] ids(long encoding) {
        long[] wide = LIBRARY.getTokenIds(encoding);
        int[] ids = new int[wide.length];
        for (int i = 0; i < wide.length; i++) {
            if (wide[i] > Integer.MAX_VALUE) {
                throw MalformedModelException.of(source, "an id", "at most " + Integer.MAX_VALUE, wide[i]);
            }
            ids[i] = (int) wide[i];
        }
        return ids;
    }

    /// @throws IllegalStateException if it is closed
    private long handle() {
        if (handle == 0) {
            throw new IllegalStateException("the tokenizer is closed");
        }
        return handle;
    }
}
