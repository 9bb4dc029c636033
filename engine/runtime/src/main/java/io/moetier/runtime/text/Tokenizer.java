package io.moetier.runtime.text;

import io.moetier.runtime.text.bounded.Probe;
import io.moetier.runtime.text.bounded.Sections;
import io.moetier.runtime.text.bounded.TokenizerBounds;
import io.moetier.storage.format.Json;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;

/// Turns text into token ids and back, as the `tokenizer.json` of a checkpoint says.
///
/// The work is done by Hugging Face's own library, so ids agree with it by construction. Text is never truncated and
/// never padded. Encoding, decoding and closing may run on many threads at once. The vocabulary lives outside the Java
/// heap and is released by [#close()].
///
/// The library ends the process where some things go wrong in it, and takes any time; [TokenizerBounds] keeps files and
/// texts from it that could bring that about, and cuts long texts into sections.
public final class Tokenizer implements AutoCloseable {
    /// The vocabularies of a million words take a tenth of this.
    private static final long MOST_BYTES = 256L << 20;

    private final NativeTokenizer tokenizer;
    private final TokenizerBounds bounds;
    private final TokenizerConfig config;
    private final Optional<Integer> bosId;
    private final Optional<Integer> eosId;
    private final boolean addsBos;
    private final boolean dropsBos;

    private Tokenizer(NativeTokenizer tokenizer, TokenizerBounds bounds, TokenizerConfig config) {
        this.tokenizer = tokenizer;
        this.bounds = bounds;
        this.config = config;
        this.bosId = config.bosToken().flatMap(this::idOf);
        this.eosId = config.eosToken().flatMap(this::idOf);
        boolean fileAddsBos =
                bosId.isPresent() && startsWith(tokenizer.encode("", true).ids(), bosId.get());
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
        byte[] json = read(tokenizerJson);
        TokenizerBounds bounds = TokenizerBounds.of(Json.parseObject(json, tokenizerJson));
        TokenizerConfig config = tokenizerConfig.map(TokenizerConfig::read).orElse(TokenizerConfig.EMPTY);
        TokenizerLibrary.load(nativeDirectory);
        bounds.probe().ifPresent(probe -> require(probe, tokenizerJson));
        NativeTokenizer tokenizer = NativeTokenizer.create(new String(json, StandardCharsets.UTF_8), tokenizerJson);
        try {
            return new Tokenizer(tokenizer, bounds, config);
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    /// Checks that a file is one that [#open] takes, as far as can be told without the library.
    ///
    /// @throws MalformedModelException if it is not
    public static void check(Path tokenizerJson) {
        TokenizerBounds.of(Json.parseObject(read(tokenizerJson), tokenizerJson));
    }

    /// Checks the text of a `tokenizer.json` that was made of another file, `source`, as [#check(Path)].
    ///
    /// @throws MalformedModelException if it is not one that [#open] takes
    public static void check(String json, Path source) {
        TokenizerBounds.of(Json.parseObject(json.getBytes(StandardCharsets.UTF_8), source));
    }

    /// Returns the ids of `text`, however many there are.
    ///
    /// @param addSpecialTokens whether to add what the model expects around a text, most often a first token;
    ///     a text that a chat template made has it already
    /// @throws IllegalArgumentException if the text cannot be cut into tokens in reasonable time and memory
    public int[] encode(String text, boolean addSpecialTokens) {
        return encodeAtMost(Integer.MAX_VALUE, text, addSpecialTokens).orElseThrow();
    }

    /// Returns the ids of `text` as [#encode], empty as soon as it is certain that there are more than `mostTokens`.
    ///
    /// @throws IllegalArgumentException if the text cannot be cut into tokens in reasonable time and memory
    public Optional<int[]> encodeAtMost(int mostTokens, String text, boolean addSpecialTokens) {
        if (bounds.leastTokens(text) > mostTokens) {
            return Optional.empty();
        }
        return encodeSections(text, addSpecialTokens, mostTokens + (dropsBos ? 1L : 0L))
                .map(ids -> addSpecialTokens ? withFirst(ids) : ids)
                .filter(ids -> ids.length <= mostTokens);
    }

    /// Returns the text of `ids`; ids that the vocabulary does not have are left out.
    ///
    /// @param skipSpecial whether to leave out tokens that are marks and not text
    public String decode(int[] ids, boolean skipSpecial) {
        return tokenizer.decode(ids, skipSpecial);
    }

    /// Returns the id of a special or added token, or of a piece that stands for itself, written as in the vocabulary.
    public Optional<Integer> idOf(String token) {
        bounds.check(token);
        return tokenizer.idOf(token);
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

    /// Waits for what the library is doing, and releases the vocabulary; further calls but this one fail with an
    /// [IllegalStateException].
    @Override
    public void close() {
        tokenizer.close();
    }

    /// Joins the tokens of the sections of a text, between those that stand around a text.
    private Optional<int[]> encodeSections(String text, boolean addSpecialTokens, long mostTokens) {
        Sections sections = bounds.sections(text);
        Encoded first = tokenizer.encode(sections.next(), addSpecialTokens);
        IntStream.Builder ids = IntStream.builder();
        Arrays.stream(first.ids(), 0, first.ids().length - first.behind()).forEach(ids);
        long count = first.ids().length;
        while (count <= mostTokens && sections.hasNext()) {
            int[] more = tokenizer.encode(sections.next(), false).ids();
            Arrays.stream(more).forEach(ids);
            count += more.length;
        }
        if (count > mostTokens) {
            return Optional.empty();
        }
        Arrays.stream(first.ids(), first.ids().length - first.behind(), first.ids().length)
                .forEach(ids);
        return Optional.of(ids.build().toArray());
    }

    private int[] withFirst(int[] ids) {
        if (addsBos) {
            return IntStream.concat(IntStream.of(bosId.orElseThrow()), Arrays.stream(ids))
                    .toArray();
        }
        return dropsBos ? Arrays.copyOfRange(ids, 1, ids.length) : ids;
    }

    private static boolean startsWith(int[] ids, int first) {
        return ids.length > 0 && ids[0] == first;
    }

    private static void require(Probe probe, Path source) {
        try (NativeTokenizer tokenizer = NativeTokenizer.create(probe.json(), source)) {
            for (String token : probe.tokens()) {
                if (tokenizer.encode(token, false).ids().length == 0) {
                    throw MalformedModelException.of(
                            source, "added_tokens", "tokens that normalizers leave something of", "'" + token + "'");
                }
            }
        }
    }

    private static byte[] read(Path file) {
        try {
            long bytes = Files.size(file);
            if (bytes > MOST_BYTES) {
                throw MalformedModelException.of(file, "size", "at most " + MOST_BYTES + " bytes", bytes);
            }
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new MalformedModelException(file + ": no such file; without it text has no tokens", e);
        } catch (IOException e) {
            throw new MalformedModelException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }
}
