package io.moetier.runtime.text;

import java.util.Arrays;

/// Turns tokens into text one at a time, and gives out text only once it is complete.
///
/// A character may be spread over several tokens, and the blank before a word is dropped or kept by what came before.
/// So each step decodes the tokens not yet given out behind those given out last, and returns what the text has grown
/// by. Together the pieces are the text that decoding all tokens at once gives; only where the model wrote bytes that
/// are no characters may the number of replacement characters differ, and characters beside such bytes, which decoding
/// all at once may spoil, are those that the model wrote.
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
    private int numGrown; // characters of what is pending, as far as it shows
    private boolean begun;
    private String prompted = ""; // what is pending and belongs to the prompt, as it shows

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

    /// Returns a stream that continues the text of `prompt`, so that a blank before its first word is kept, and so that
    /// a character whose first bytes are the last ones of the prompt is given out whole.
    public static TokenStream after(int[] prompt, Tokenizer tokenizer, boolean skipSpecial) {
        int from = Math.max(0, prompt.length - CONTEXT_TOKENS);
        return new TokenStream(tokenizer, skipSpecial, Arrays.copyOfRange(prompt, from, prompt.length));
    }

    /// What is left of a character that was cut in two would spoil the decoding of all bytes beside it: at the end of
    /// the context it waits for the rest, before that it is left out, and so is what comes before it.
    private void begin() {
        int[] prompt = context;
        for (int end = prompt.length; end >= Math.max(0, prompt.length - MOST_TOKENS_PER_CHARACTER + 1); end--) {
            for (int from = 0; from == 0 || from < end; from++) {
                context = Arrays.copyOfRange(prompt, from, end);
                String text = tokenizer.decode(context, skipSpecial);
                if (text.indexOf(REPLACEMENT) != 0 && isWhole(text)) {
                    await(Arrays.copyOfRange(prompt, end, prompt.length));
                    return;
                }
            }
        }
        context = prompt;
    }

    private void await(int[] cut) {
        pending = cut;
        prompted = grown(cut);
        brokenTokens = cut.length;
        numWhole = numWhole(prompted);
        numGrown = prompted.length();
    }

    /// Takes a token and returns the text that is now certain, often empty.
    public String next(int id) {
        if (!begun) {
            begin();
            begun = true;
        }
        pending = Arrays.copyOf(pending, pending.length + 1);
        pending[pending.length - 1] = id;
        String grown = grown(pending);
        if (grown.isEmpty()) {
            if (context.length > 0 && pending.length == 1) {
                pending = new int[0]; // a mark that is not text
            }
            return "";
        }
        boolean isReplacement = grown.length() < numGrown; // the model wrote one, whose bytes showed as one each
        if (isWhole(grown) || isReplacement) {
            return giveAll();
        }
        int stray = numStray();
        if (stray > 0) {
            return give(stray) + giveAll();
        }
        brokenTokens = numWhole(grown) > numWhole ? 1 : brokenTokens + 1;
        numWhole = numWhole(grown);
        numGrown = grown.length();
        // What came behind the broken token may yet become a character.
        return brokenTokens < MOST_TOKENS_PER_CHARACTER ? "" : give(pending.length - brokenTokens + 1);
    }

    /// Returns what is left when no more tokens come; bytes that never became a character show as such.
    public String finish() {
        return give(pending.length);
    }

    /// Returns how many pending tokens stand before those of a character that is complete without them.
    private int numStray() {
        for (int from = Math.max(1, pending.length - MOST_TOKENS_PER_CHARACTER); from < pending.length; from++) {
            String rest = grown(Arrays.copyOfRange(pending, from, pending.length));
            if (!rest.isEmpty() && isWhole(rest)) {
                return from;
            }
        }
        return 0;
    }

    /// Gives out the text of what is pending, and decodes what comes next behind it.
    private String giveAll() {
        int[] given = pending;
        String text = give(given.length);
        context = given;
        return text;
    }

    /// Gives out the text of the first `count` pending tokens, which would spoil the decoding of the bytes behind them.
    private String give(int count) {
        String text = grown(Arrays.copyOf(pending, count));
        pending = Arrays.copyOfRange(pending, count, pending.length);
        brokenTokens = pending.length;
        numWhole = 0;
        numGrown = 0;
        return answered(text);
    }

    /// Returns a text without what the prompt showed of it.
    private String answered(String text) {
        int same = 0;
        while (same < Math.min(text.length(), prompted.length()) && text.charAt(same) == prompted.charAt(same)) {
            same++;
        }
        prompted = same < text.length() ? "" : prompted.substring(same);
        return text.substring(same);
    }

    private static boolean isWhole(String text) {
        return numWhole(text) == text.length();
    }

    /// Returns how many characters come before what bytes at the end show as.
    private static int numWhole(String text) {
        int end = text.length();
        while (end > 0 && text.charAt(end - 1) == REPLACEMENT) {
            end--;
        }
        return end;
    }

    /// Returns what `tokens` add to the text.
    private String grown(int[] tokens) {
        String before = tokenizer.decode(context, skipSpecial);
        int[] window = Arrays.copyOf(context, context.length + tokens.length);
        System.arraycopy(tokens, 0, window, context.length, tokens.length);
        String after = tokenizer.decode(window, skipSpecial);
        // A stray byte spoils the decoding of the bytes before it too, which were given out already.
        return after.startsWith(before) ? after.substring(before.length()) : tokenizer.decode(tokens, skipSpecial);
    }
}
