package io.moetier.engine.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/// Turns text into token ids and back, as the `tokenizer.json` of a checkpoint says.
///
/// The work is done by Hugging Face's own library, so ids agree with it by construction. Text is never truncated and
/// never padded. Encoding and decoding may run on many threads at once; closing must come after all of them. The
/// vocabulary lives outside the Java heap and is released by [#close()].
///
/// DJL's own `HuggingFaceTokenizer` is passed by: it truncates at 512 tokens unless told otherwise, reports its use to
/// a server on some clouds, and may download a library. The native methods below it do none of that.
public final class Tokenizer implements AutoCloseable {
    private static final TokenizersLibrary NATIVE = TokenizersLibrary.LIB;

    private final TokenizerConfig config;
    private final Optional<Integer> bosId;
    private final Optional<Integer> eosId;
    private final boolean addsBos;
    private final boolean dropsBos;
    private long handle;

    private Tokenizer(long handle, TokenizerConfig config) {
        this.handle = handle;
        this.config = config;
        this.bosId = config.bosToken().flatMap(this::idOf);
        this.eosId = config.eosToken().flatMap(this::idOf);
        boolean fileAddsBos = bosId.isPresent() && startsWith(encodeNative("", true), bosId.get());
        boolean configAddsBos = config.addBosToken().orElse(fileAddsBos);
        // Some checkpoints (DeepSeek) leave the leading token to add_bos_token, and transformers obeys it over the
        // file.
        this.addsBos = bosId.isPresent() && configAddsBos && !fileAddsBos;
        this.dropsBos = fileAddsBos && !configAddsBos;
    }

    /// Opens a tokenizer.
    ///
    /// @param tokenizerJson the checkpoint's `tokenizer.json`
    /// @param tokenizerConfig its `tokenizer_config.json`, which names the tokens that begin and end a text
    /// @param nativeDirectory where the native library is unpacked, for later starts to find; a temporary directory
    ///     takes its place if it cannot be written, or not by this user alone
    /// @throws MalformedModelException if a file is missing or not what it should be
    public static Tokenizer open(Path tokenizerJson, Optional<Path> tokenizerConfig, Path nativeDirectory) {
        String json = read(tokenizerJson);
        TokenizerConfig config = tokenizerConfig.map(TokenizerConfig::read).orElse(TokenizerConfig.EMPTY);
        TokenizerLibrary.load(nativeDirectory);
        return new Tokenizer(create(json, tokenizerJson), config);
    }

    /// Returns the ids of `text`.
    ///
    /// @param addSpecialTokens whether to add what the model expects around a text, most often a first token;
    ///     a text that a chat template made has it already
    public int[] encode(String text, boolean addSpecialTokens) {
        int[] ids = encodeNative(text, addSpecialTokens);
        if (addSpecialTokens && addsBos) {
            int[] withBos = new int[ids.length + 1];
            withBos[0] = bosId.orElseThrow();
            System.arraycopy(ids, 0, withBos, 1, ids.length);
            return withBos;
        }
        if (addSpecialTokens && dropsBos) {
            return java.util.Arrays.copyOfRange(ids, 1, ids.length);
        }
        return ids;
    }

    /// Returns the text of `ids`; ids that the vocabulary does not have are left out.
    ///
    /// @param skipSpecial whether to leave out tokens that are marks and not text
    public String decode(int[] ids, boolean skipSpecial) {
        long[] wide = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            wide[i] = ids[i];
        }
        return NATIVE.decode(handle(), wide, skipSpecial);
    }

    /// Returns the id of a special or added token, or of a piece that stands for itself, written as in the vocabulary.
    public Optional<Integer> idOf(String token) {
        long encoding = NATIVE.encode(handle(), token, false);
        try {
            String[] pieces = NATIVE.getTokens(encoding);
            return pieces.length == 1 && pieces[0].equals(token)
                    ? Optional.of((int) NATIVE.getTokenIds(encoding)[0])
                    : Optional.empty();
        } finally {
            NATIVE.deleteEncoding(encoding);
        }
    }

    /// Returns the id of the token that begins a text, if `tokenizer_config.json` names one.
    public Optional<Integer> bosId() {
        return bosId;
    }

    /// Returns the id of the token that ends a text, if `tokenizer_config.json` names one.
    public Optional<Integer> eosId() {
        return eosId;
    }

    /// Returns the token that begins a text, as written.
    public Optional<String> bosToken() {
        return config.bosToken();
    }

    /// Returns the token that ends a text, as written.
    public Optional<String> eosToken() {
        return config.eosToken();
    }

    /// Releases the vocabulary; further calls but this one fail.
    @Override
    public void close() {
        if (handle != 0) {
            NATIVE.deleteTokenizer(handle);
            handle = 0;
        }
    }

    private long handle() {
        if (handle == 0) {
            throw new IllegalStateException("the tokenizer is closed");
        }
        return handle;
    }

    private int[] encodeNative(String text, boolean addSpecialTokens) {
        long encoding = NATIVE.encode(handle(), text, addSpecialTokens);
        try {
            long[] wide = NATIVE.getTokenIds(encoding);
            int[] ids = new int[wide.length];
            for (int i = 0; i < wide.length; i++) {
                ids[i] = (int) wide[i];
            }
            return ids;
        } finally {
            NATIVE.deleteEncoding(encoding);
        }
    }

    private static boolean startsWith(int[] ids, int first) {
        return ids.length > 0 && ids[0] == first;
    }

    private static long create(String json, Path source) {
        try {
            long handle = NATIVE.createTokenizerFromString(json);
            NATIVE.disableTruncation(handle);
            NATIVE.disablePadding(handle);
            return handle;
        } catch (RuntimeException e) { // the only type that the native side throws for a bad file
            throw new MalformedModelException(source + ": not a tokenizer: " + e.getMessage(), e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new MalformedModelException(file + ": no such file; without it text has no tokens", e);
        } catch (IOException e) {
            throw new MalformedModelException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }
}
