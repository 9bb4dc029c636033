package io.moetier.runtime.text;

import java.util.Arrays;

/// Turns tokens into text one at a time, and gives out text only once it is complete.
///
/// A character may be spread over several tokens, and the blank before a word is dropped or kept by what came before.
/// So each step decodes the tokens not yet given out behind those given out last, and returns what the text has grown
/// by. Together the pieces are the text that decoding all tokens at once gives; only where the model wrote bytes that
/// are no characters may the number of replacement characters differ.
///
/// Cost: a step decodes the few tokens of the window, however long the text. Not thread-safe.
public final class TokenStream {
    private static final char REPLACEMENT = '\uFFFD';
    /// A character has at most four bytes, and a token at least one: what is broken after four tokens stays broken.
    private static final int MOST_TOKENS_PER_CHARACTER = 4;

    private static final int CONTEXT_TOKENS = 8;

    private final Tokenizer tokenizer;
    private final boolean skipSpecial;
    private int[] context;
    private int[] pending = {};
    private int brokenTokens; // in a row, of which none has completed a character
    private int numWhole; // characters of what is pending before the one that is not complete
    private int mostCut; // tokens that the context may begin with and that are no whole character
    private int numGrown; // characters of what is pending, as far as it shows

    private TokenStream(Tokenizer tokenizer, boolean skipSpecial, int[] context) {
        this.tokenizer = tokenizer;
        this.skipSpecial = skipSpecial;
        this.context = context;
    }

    /// Returns a stream whose first token begins a text.
    ///
    /// @param skipSpecial whether to leave out tokens that are marks and not text
    public static TokenStream of(Tokenizer tokenizer, boolean skipSpecial) {
        return new TokenStream(tokenizer, skipSpecial, new int[0]);
    }

    /// Returns a stream that continues the text of `prompt`, so that a blank before its first word is kept.
    public static TokenStream after(int[] prompt, Tokenizer tokenizer, boolean skipSpecial) {
        int from = Math.max(0, prompt.length - CONTEXT_TOKENS);
        TokenStream stream = new TokenStream(tokenizer, skipSpecial, Arrays.copyOfRange(prompt, from, prompt.length));
        stream.mostCut = from == 0 ? 0 : MOST_TOKENS_PER_CHARACTER - 1;
        return stream;
    }

    /// What is left of a character that was cut in two would spoil the decoding of all bytes behind it.
    private void beginWhole() {
        while (mostCut > 0 && tokenizer.decode(context, skipSpecial).indexOf(REPLACEMENT) == 0) {
            context = Arrays.copyOfRange(context, 1, context.length);
            mostCut--;
        }
        mostCut = 0;
    }

    /// Takes a token and returns the text that is now certain, often empty.
    public String next(int id) {
        beginWhole();
        pending = Arrays.copyOf(pending, pending.length + 1);
        pending[pending.length - 1] = id;
        String grown = grown(pending.length);
        if (grown.isEmpty()) {
            if (context.length > 0 && pending.length == 1) {
                pending = new int[0]; // a mark that is not text
            }
            return "";
        }
        int whole = numWhole(grown);
        boolean isReplacement = grown.length() < numGrown; // the model wrote one, whose bytes showed as one each
        if (whole == grown.length() || isReplacement) {
            return give(pending.length);
        }
        brokenTokens = whole > numWhole ? 1 : brokenTokens + 1;
        numWhole = whole;
        numGrown = grown.length();
        // What came behind the broken token may yet become a character.
        return brokenTokens < MOST_TOKENS_PER_CHARACTER ? "" : give(pending.length - brokenTokens + 1);
    }

    /// Returns what is left when no more tokens come; bytes that never became a character show as such.
    public String finish() {
        return give(pending.length);
    }

    /// Gives out the text of the first `count` pending tokens.
    private String give(int count) {
        String text = grown(count);
        context = count == 0 ? context : Arrays.copyOf(pending, count);
        pending = Arrays.copyOfRange(pending, count, pending.length);
        brokenTokens = pending.length;
        numWhole = 0;
        numGrown = 0;
        return text;
    }

    /// Returns how many characters come before what bytes at the end show as.
    private static int numWhole(String text) {
        int end = text.length();
        while (end > 0 && text.charAt(end - 1) == REPLACEMENT) {
            end--;
        }
        return end;
    }

    /// Returns what the first `count` pending tokens add to the text.
    private String grown(int count) {
        String before = tokenizer.decode(context, skipSpecial);
        int[] window = Arrays.copyOf(context, context.length + count);
        System.arraycopy(pending, 0, window, context.length, count);
        String after = tokenizer.decode(window, skipSpecial);
        // A stray byte spoils the decoding of the bytes before it too, which were given out already.
        return after.startsWith(before)
                ? after.substring(before.length())
                : tokenizer.decode(Arrays.copyOf(pending, count), skipSpecial);
    }
}
