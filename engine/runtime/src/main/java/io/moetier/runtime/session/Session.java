package io.moetier.runtime.session;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.KvType;
import io.moetier.kernels.device.Largest;
import io.moetier.kernels.device.Owned;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.metrics.DecodeEvent;
import io.moetier.runtime.metrics.FlightEvents;
import io.moetier.runtime.metrics.PrefillEvent;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.pass.MixtureObserver;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.runtime.model.pass.RoutingListener;
import io.moetier.runtime.model.pass.Workspace;
import io.moetier.runtime.model.spec.AttentionSpec;
import io.moetier.runtime.model.spec.EncoderSpec;
import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.model.vision.ImagePatches;
import io.moetier.runtime.model.vision.ImageRows;
import io.moetier.runtime.model.vision.Sight;
import io.moetier.runtime.model.vision.VisionTower;
import io.moetier.storage.model.Phase;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// One timeline of tokens with its key-value cache: prefill appends many tokens, decode appends one.
///
/// Confined to one thread. Several sessions may share an engine; their steps then take turns.
public final class Session implements AutoCloseable {
    private static final int LOGIT_ROWS = 32; // rows of logits computed at once where every position is asked for

    private final Engine engine;
    private final Owned owned;
    private final KvCache cache;
    private final Pass pass = new Pass();
    private final Sight sight;
    private final boolean seesWholeImages;
    private final Workspace workspace;
    private final DeviceBuffer deviceLogits;
    private final float[] logits;
    private final Largest largest = new Largest();
    private final int[] tokens;
    private final int[] single = new int[1];
    private int position;
    private int known; // tokens that were computed as the text asks for; as many as the position, more, or fewer
    private int firstLong; // of the known tokens, the first that is rotated as in a long text; not below them: none
    private int[] outputBeginning = {};
    private boolean withoutLogits; // after the last token, as there are none behind multi-token prediction
    private boolean hasLogits; // of that token
    private int numLargest; // of that token
    private int numWanted; // what was asked for after the token before: 0 for all logits, else how many of the largest

    private RoutingListener listener = RoutingListener.NONE;
    private @Nullable MixtureObserver observer;

    private Session(Engine engine, KvType kv, int contextLength, int batch, Owned owned) {
        this.engine = engine;
        this.owned = owned;
        engine.enter(contextLength);
        owned.add(engine::leave);
        Arena arena = engine.device().newArena();
        owned.add(arena::close);
        cache = new KvCache(engine.spec(), kv, contextLength, engine.device());
        owned.add(cache::close);
        if (!engine.device().readsMainMemory()) {
            cache.reserve(contextLength); // now, as it is accounted for
        }
        workspace = engine.model().newWorkspace(Math.min(batch, contextLength), arena);
        deviceLogits = engine.device().allocate(engine.spec().vocabSize(), arena);
        logits = new float[engine.spec().vocabSize()];
        tokens = new int[contextLength];
        sight = new Sight(engine.spec().vision().isPresent() ? contextLength : 0);
        owned.add(sight::close);
        seesWholeImages = engine.spec()
                .blocks(AttentionSpec.class)
                .anyMatch(attention -> attention.mask().wholeImages());
        pass.see(sight);
        engine.model().reservePositions(Math.min(contextLength, Memory.DEFAULT_CONTEXT));
    }

    /// Returns the bytes of the buffers of a session on its device.
    static long workspaceBytes(ModelSpec spec, Device device, int contextLength, int batch) {
        return Workspace.bytes(spec, device, Math.min(batch, contextLength)) + logitBytes(spec);
    }

    /// Returns the bytes of a row of logits: a session has one on its device, and a copy in main memory.
    static long logitBytes(ModelSpec spec) {
        return (long) Float.BYTES * spec.vocabSize();
    }

    /// Begins an empty timeline of `contextLength` tokens that takes in at most `batch` at a time.
    static Session open(Engine engine, KvType kv, int contextLength, int batch) {
        Owned owned = new Owned();
        try {
            return new Session(engine, kv, contextLength, batch, owned);
        } catch (RuntimeException | Error e) {
            try (owned) {
                throw e;
            }
        }
    }

    /// Receives the logits of one position.
    @FunctionalInterface
    public interface LogitsSink {
        /// Takes the logits after the token at `position`.
        ///
        /// @param logits `[vocabSize]`, the session's; they change after the call
        void accept(int position, float[] logits);
    }

    /// Reads images that are among the tokens appended next: where these have as many image tokens, one behind the
    /// other, as an image gives rows, the image stands.
    ///
    /// @param appended what [#prompt] or [#prefill] will be given
    /// @throws IllegalArgumentException if the model reads no images, an image does not fit it, or the image tokens
    ///     are not those of the images; and as [#prefill(int\[\])]
    public void look(int[] appended, List<ImagePatches> images) {
        look(appended, images, () -> false);
    }

    /// Reads images like [#look(int\[\], List)] and asks `cancelled` now and then whether to give up.
    ///
    /// @return false if it was given up; the session is then as it was before
    public boolean look(int[] appended, List<ImagePatches> images, BooleanSupplier cancelled) {
        VisionTower tower = engine.tower();
        check(appended);
        images.forEach(tower::requireFit);
        List<int[]> starts = tower.places(appended, images);
        if (seesWholeImages) {
            images.forEach(image -> requireRoom(tower.rows(image)));
        }
        engine.lockStep();
        try {
            sight.truncate(position, engine.device().kernels()); // what was looked at and not appended
            for (int i = 0; i < images.size(); i++) {
                see(starts.get(i), tower, images.get(i), cancelled);
            }
            sight.text(position + appended.length);
            return true;
        } catch (CancellationException e) {
            sight.truncate(position, engine.device().kernels());
            return false;
        } finally {
            engine.unlockStep();
        }
    }

    private void requireRoom(int rows) {
        if (rows > workspace.batch()) {
            throw new IllegalArgumentException(
                    "a picture of " + rows + " tokens, which see each other, does not fit the "
                            + workspace.batch() + " tokens that are computed together"
                            + (workspace.batch() < Engine.BATCH ? " with this memory" : ", whatever the memory"));
        }
    }

    private void see(int[] starts, VisionTower tower, ImagePatches image, BooleanSupplier cancelled) {
        for (int tile = 0; tile < starts.length; tile++) {
            engine.relieve(tower.bytes(image));
            see(position + starts[tile], tower, image, tile, cancelled);
        }
    }

    private void see(int first, VisionTower tower, ImagePatches image, int tile, BooleanSupplier cancelled) {
        Arena memory = engine.device().newArena();
        try {
            ImageRows rows = tower.read(image, tile, memory, cancelled);
            sight.image(first, rows, memory, engine.device().kernels());
        } catch (RuntimeException | Error e) {
            try (memory) {
                throw e;
            }
        }
    }

    /// Registers who is told of every routing decision from now on.
    public void listen(RoutingListener newListener) {
        listener = newListener;
        pass.listen(newListener);
    }

    /// Registers who is shown what every mixture computes from now on.
    public void observe(MixtureObserver newObserver) {
        observer = newObserver;
        pass.observe(newObserver);
    }

    /// Returns how many tokens the session holds.
    public int position() {
        return position;
    }

    /// Returns how many tokens the session can hold.
    public int capacity() {
        return tokens.length;
    }

    /// Forgets every token from `newPosition` on.
    public void truncate(int newPosition) {
        if (newPosition < 0 || newPosition > position) {
            throw new IllegalArgumentException("cannot go back to " + newPosition + " from " + position);
        }
        if (newPosition < position && !sight.isEmpty()) {
            engine.lockStep();
            try {
                sight.truncate(newPosition, engine.device().kernels());
            } finally {
                engine.unlockStep();
            }
        }
        position = newPosition;
    }

    /// Returns what this session and its engine hold in memory now.
    public MemoryUse memoryUse() {
        long logitBytes = (long) Float.BYTES * (deviceLogits.length() + logits.length);
        return new MemoryUse(
                engine.whileNoStep(engine.expertTiers()::residentSummary)
                        .filled()
                        .bytes(),
                engine.otherWeightBytes(),
                cache.allocatedBytes(),
                workspace.byteSize() + logitBytes + engine.workingBytes());
    }

    /// Reads a prompt and computes the logits after it. To a decoder it is appended; an encoder reads it as its
    /// input, and the output begins anew.
    ///
    /// @param cancelled is asked before each layer whether to give up
    /// @return false if it was given up; a decoder is then as it was before, an encoder has no input
    /// @throws IllegalArgumentException as [#prefill(int\[\])]
    public boolean prompt(int[] prompt, BooleanSupplier cancelled) {
        Optional<EncoderSpec> encoder = engine.spec().encoder();
        if (encoder.isEmpty()) {
            return prefill(prompt, cancelled);
        }
        int[] beginning = new int[outputBeginning.length + 1];
        beginning[0] = encoder.get().decoderStartToken();
        System.arraycopy(outputBeginning, 0, beginning, 1, outputBeginning.length);
        if (!encode(prompt, cancelled)) {
            return false;
        }
        boolean begun = prefill(beginning, cancelled);
        if (!begun) {
            cache.forgetInput(); // an output would go on without its beginning
        }
        return begun;
    }

    /// Begins every output of a model with an encoder with these tokens too, behind the one that each begins with: a
    /// translation model's language.
    ///
    /// @throws IllegalArgumentException if one is outside the vocabulary
    /// @throws IllegalStateException if the model has no encoder
    public void beginOutputWith(int... tokens) {
        if (engine.spec().encoder().isEmpty()) {
            throw new IllegalStateException(
                    engine.spec().family() + " has no encoder; its output goes on from the prompt");
        }
        checkVocabulary(tokens);
        outputBeginning = tokens.clone();
    }

    /// Encodes the input; the output begins anew.
    ///
    /// @throws IllegalArgumentException if there is none, it is too long, or a token is outside the vocabulary
    /// @throws IllegalStateException if the model has no encoder
    public void encode(int[] input) {
        encode(input, () -> false);
    }

    private boolean encode(int[] input, BooleanSupplier cancelled) {
        truncate(0);
        cache.forgetInput();
        checkTokens(input);
        if (input.length > engine.spec().maxPositionEmbeddings()) {
            throw engine.tooLong(Integer.toString(input.length));
        }
        long start = System.nanoTime();
        engine.lockStep();
        try (Arena arena = engine.device().newArena()) {
            engine.relieve(
                    cache.inputBytes(input.length) + Workspace.bytes(engine.spec(), engine.device(), input.length));
            Workspace whole = engine.model().newWorkspace(input.length, arena);
            Pass once = new Pass();
            once.listen(listener);
            once.observe(observer);
            once.cancelWhen(cancelled);
            once.begin(input.length, 0, Phase.PREFILL);
            ActivityListener activity = engine.counters().activity();
            activity.onStep(Phase.PREFILL, input.length);
            engine.model().encode(input, once, cache, whole);
            activity.onStepEnd();
        } catch (CancellationException e) {
            cache.forgetInput();
            return false;
        } catch (RuntimeException | Error e) {
            cache.forgetInput(); // what is there of it is not to be answered from
            throw e;
        } finally {
            engine.unlockStep();
        }
        engine.counters().addPrefill(input.length, System.nanoTime() - start);
        return true;
    }

    /// Appends tokens and computes the logits after the last one.
    ///
    /// @throws IllegalArgumentException if there are none, one is outside the vocabulary, or they do not fit
    public void prefill(int[] appended) {
        append(appended, null);
    }

    /// Reads a text from its beginning and hands out, for each token but the last, the logits of the token behind the
    /// next one, which the model's layer for multi-token prediction makes of it and the next one. After that
    /// there are no logits of the last token; where it fails, the session is empty.
    ///
    /// @throws IllegalArgumentException as [#prefill(int\[\])], or if there is one token alone
    /// @throws IllegalStateException if the model has no such layer, or the session holds tokens or images
    public void predictFurther(int[] text, LogitsSink sink) {
        check(text);
        if (engine.spec().mtp().isEmpty()) {
            throw new IllegalStateException(engine.spec().family() + " has no layer for multi-token prediction");
        }
        if (text.length < 2) {
            throw new IllegalArgumentException("multi-token prediction needs two tokens, found one");
        }
        if (position > 0 || !sight.isEmpty()) {
            throw new IllegalStateException("multi-token prediction begins with a text, and reads no images");
        }
        try {
            readFurther(text, sink);
        } catch (RuntimeException | Error e) {
            position = 0;
            throw e;
        } finally {
            withoutLogits = true;
        }
    }

    private void readFurther(int[] text, LogitsSink sink) {
        pass.expectLength(text.length);
        long start = System.nanoTime();
        ActivityListener activity = engine.counters().activity();
        int n;
        for (int at = 0; at < text.length; at += n) {
            n = passLength(text.length - at);
            activity.onStep(Phase.PREFILL, n);
            step(text, at, n, Phase.PREFILL);
            int rows = Math.min(n, text.length - 1 - at);
            if (rows > 0) {
                stepFurther(text, at, rows);
                handOut(sink, at, rows);
            }
            activity.onStepEnd();
        }
        engine.counters().addPrefill(text.length, System.nanoTime() - start);
    }

    private void stepFurther(int[] text, int at, int rows) {
        engine.lockStep();
        try {
            pass.begin(rows, at, Phase.PREFILL);
            engine.model().predictFurther(text, at + 1, pass, cache, workspace);
        } finally {
            engine.unlockStep();
        }
    }

    /// Appends tokens like [#prefill(int\[\])] and asks `cancelled` before each layer whether to give up.
    ///
    /// @return false if it was given up; the session is then as it was before
    public boolean prefill(int[] appended, BooleanSupplier cancelled) {
        int before = position;
        pass.cancelWhen(cancelled);
        try {
            append(appended, null);
            return true;
        } catch (CancellationException e) {
            position = before;
            return false;
        } finally {
            pass.cancelWhen(() -> false);
        }
    }

    /// Appends tokens and hands out the logits after each of them.
    public void prefill(int[] appended, LogitsSink sink) {
        append(appended, sink);
    }

    /// Appends one token like [#decode(int)] and asks `cancelled` before each layer whether to give up.
    ///
    /// @return false if it was given up; the session is then as it was before
    public boolean decode(int token, BooleanSupplier cancelled) {
        pass.cancelWhen(cancelled);
        try {
            decode(token);
            return true;
        } catch (CancellationException e) {
            return false;
        } finally {
            pass.cancelWhen(() -> false);
        }
    }

    /// Appends one token and computes the logits after it.
    public void decode(int token) {
        single[0] = token;
        check(single);
        requireWholeImages(position + 1);
        pass.expectLength(position + 1);
        DecodeEvent event = FlightEvents.startDecode(position);
        long start = System.nanoTime();
        ActivityListener activity = engine.counters().activity();
        activity.onStep(Phase.DECODE, 1);
        long diskBytes = engine.counters().diskBytes();
        step(single, 0, 1, Phase.DECODE);
        computeLogits(0);
        activity.onStepEnd();
        engine.counters()
                .addDecode(1, System.nanoTime() - start, engine.counters().diskBytes() - diskBytes);
        FlightEvents.finish(event);
    }

    /// Returns the logits after the last token, `[vocabSize]`; the session's, overwritten by its next step.
    public float[] logits() {
        numWanted = 0;
        fetch();
        return logits;
    }

    /// Returns the largest `k` logits after the last token; the session's, overwritten by its next step.
    ///
    /// @param k at most [Largest#MOST_OF_KERNELS]
    public Largest largestLogits(int k) {
        numWanted = k;
        fetch();
        return largest;
    }

    @Override
    public void close() {
        Owned _ = engine.whileNoStep(
                () -> { // native code may be reading it
                    owned.close();
                    return owned;
                });
    }

    private void append(int[] appended, @Nullable LogitsSink sink) {
        check(appended);
        requireWholeImages(position + appended.length);
        if (appended.length > workspace.batch()) { // else the first pass tells
            engine.requireRoom(cache.growthBytes(position + appended.length));
        }
        pass.expectLength(position + appended.length);
        PrefillEvent event = FlightEvents.startPrefill(appended.length);
        ActivityListener activity = engine.counters().activity();
        long start = System.nanoTime();
        int n;
        for (int at = 0; at < appended.length; at += n) {
            n = passLength(appended.length - at);
            activity.onStep(Phase.PREFILL, n);
            step(appended, at, n, Phase.PREFILL);
            if (sink != null) {
                handOut(sink, position - n, n);
            } else if (at + n == appended.length) {
                computeLogits(n - 1);
            }
            activity.onStepEnd();
        }
        engine.counters().addPrefill(appended.length, System.nanoTime() - start);
        FlightEvents.finish(event);
    }

    /// Returns how many of so many tokens the next pass takes: no part of an image whose tokens see each other.
    private int passLength(int left) {
        int n = Math.min(workspace.batch(), left);
        return n < left && seesWholeImages ? sight.firstSeenWith(position + n) - position : n;
    }

    /// Checks that no image ends behind the text up to `end` whose tokens see each other.
    private void requireWholeImages(int end) {
        if (seesWholeImages && sight.firstSeenWith(end) < end) {
            throw new IllegalArgumentException(
                    "the tokens of a picture see each other, but only a part of them is appended");
        }
    }

    private void step(int[] source, int from, int n, Phase phase) {
        catchUp(phase);
        engine.lockStep();
        engine.loss().beginStep();
        try {
            if (phase == Phase.PREFILL) {
                cache.mark(from == 0 ? KvCache.PROMPT : KvCache.BATCH);
            }
            engine.relieve(cache.growthBytes(position + n));
            long start = engine.nanos();
            pass.begin(n, position, phase);
            engine.model().forward(source, from, pass, cache, workspace);
            if (phase == Phase.DECODE) {
                engine.prefetchTrial().onToken(engine.nanos() - start);
            }
        } catch (RuntimeException | Error e) {
            engine.loss().giveUpStep();
            throw e;
        } finally {
            engine.unlockStep();
        }
        System.arraycopy(source, from, tokens, position, n);
        know(position, n);
        position += n;
    }

    /// Notes that `n` tokens from position `from` on were computed as the text asks for that is there now.
    private void know(int from, int n) {
        known = from + n;
        if (engine.model().isLong(pass.textLength())) {
            firstLong = Math.min(firstLong, from);
        } else {
            firstLong = Math.max(firstLong, known);
        }
    }

    /// Computes again what has been lost of the tokens before `position`: by recurrent blocks, after going back or
    /// after a pass that did not come to its end, and where those of a long text are rotated otherwise, after it
    /// became long by a prompt or short by going back.
    private void catchUp(Phase phase) {
        known = Math.min(known, firstRotatedOtherwise(phase));
        int at = resume();
        pass.mute(true);
        try {
            while (at < position) {
                int n = Math.min(workspace.batch(), position - at);
                repeat(at, n);
                know(at, n);
                at += n;
            }
        } finally {
            pass.mute(false);
        }
    }

    /// Returns the position of the first token that is not rotated as in a text of the expected length; that behind
    /// the last one if there is none. What is generated when a text has become long leaves those before it.
    private int firstRotatedOtherwise(Phase phase) {
        if (!engine.model().isLong(pass.textLength())) {
            return Math.min(firstLong, position);
        }
        return phase == Phase.PREFILL && firstLong > 0 ? 0 : position;
    }

    private int resume() {
        engine.lockStep();
        try {
            return cache.resume(known);
        } finally {
            engine.unlockStep();
        }
    }

    private void repeat(int at, int n) {
        engine.lockStep();
        try {
            pass.begin(n, at, Phase.PREFILL);
            engine.model().forward(tokens, at, pass, cache, workspace);
        } finally {
            engine.unlockStep();
        }
    }

    private void handOut(LogitsSink sink, int firstPosition, int n) {
        int vocabSize = logits.length;
        DeviceBuffer idle = workspace.idleBetweenPasses();
        boolean fits = idle.length() >= vocabSize;
        DeviceBuffer room = fits ? idle : deviceLogits;
        int rowsAtOnce = Math.min(LOGIT_ROWS, room.length() / vocabSize);
        int rows = 0;
        for (int row = 0; row < n; row += rows) {
            rows = Math.min(rowsAtOnce, n - row);
            engine.logits(workspace, row, rows, room);
            for (int i = 0; i < rows; i++) {
                engine.download(room, i * vocabSize, logits);
                sink.accept(firstPosition + row + i, logits);
            }
        }
        if (fits) {
            engine.copyRow(room, rows - 1, vocabSize, deviceLogits);
        }
        withoutLogits = false;
        hasLogits = true;
        numLargest = 0;
    }

    /// A device computes on after it is called; the step ends when there is what will probably be asked for.
    private void computeLogits(int row) {
        engine.logits(workspace, row, 1, deviceLogits);
        withoutLogits = false;
        hasLogits = false;
        numLargest = 0;
        fetch();
    }

    private void fetch() {
        if (withoutLogits) {
            throw new IllegalStateException("multi-token prediction leaves no logits after the last token");
        }
        if (numWanted == 0 && !hasLogits) {
            engine.download(deviceLogits, 0, logits);
            hasLogits = true;
        } else if (numWanted != 0 && numLargest != numWanted) {
            engine.largest(deviceLogits, logits.length, numWanted, largest);
            numLargest = numWanted;
        }
    }

    private void check(int[] appended) {
        checkTokens(appended);
        if (appended.length > tokens.length - position) {
            throw engine.contextTooShort(tokens.length, Long.toString(position + (long) appended.length));
        }
        if (engine.spec().encoder().isPresent() && !cache.hasInput()) {
            throw new IllegalStateException("the encoder has not read its input");
        }
    }

    private void checkTokens(int[] given) {
        if (given.length == 0) {
            throw new IllegalArgumentException("the prompt is empty: there is no token to start from");
        }
        checkVocabulary(given);
    }

    private void checkVocabulary(int[] given) {
        for (int token : given) {
            if (token < 0 || token >= logits.length) {
                throw new IllegalArgumentException(
                        "token " + token + " is outside the vocabulary of " + logits.length + " tokens");
            }
        }
    }

    /// Returns the tokens so far.
    public int[] tokens() {
        return Arrays.copyOf(tokens, position);
    }
}
