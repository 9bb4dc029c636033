package io.moetier.runtime.text.jinja;

/// What one rendering may cost, in steps and characters, so that a template that came with a model can neither run
/// for long nor fill memory. The same template with the same conversation always ends at the same point.
///
/// A step is an evaluated name or operation, a round of a loop, an element of a list: some tens of nanoseconds. Whoever
/// makes a value pays before it is made, so nothing is ever larger than what was paid for.
public final class JinjaBudget {
    /// Characters of a template. The longest published ones have about 20,000.
    public static final int MAX_TEMPLATE_LENGTH = 1 << 18;

    /// Blocks, brackets and macros within one another. Published templates reach about ten; every level takes some
    /// hundred bytes of the stack, of which a thread has a mebibyte or more.
    static final int MAX_DEPTH = 100;

    /// Characters of one text; a conversation that fills a context of a million tokens has about 4 million.
    private static final long MAX_TEXT_LENGTH = 1 << 26;

    /// Steps for the template alone, which take about a second in a fresh virtual machine.
    private static final long STEPS = 2_000_000;

    /// Further steps for each message; Qwen3's template, a long one, takes about 300.
    private static final long STEPS_PER_MESSAGE = 5_000;

    /// Steps for each character of the conversation, which allows 256 copies of all of it.
    private static final long STEPS_PER_CHARACTER = 4;

    /// Characters that are copied in the time of a step, and less.
    private static final int CHARACTERS_PER_STEP = 64;

    private long left;
    private int depth;

    /// Allows what a conversation may need.
    ///
    /// @param messages how many it has
    /// @param characters how long they are together
    public JinjaBudget(int messages, long characters) {
        left = STEPS + messages * STEPS_PER_MESSAGE + characters * STEPS_PER_CHARACTER;
    }

    /// Pays for `count` steps.
    ///
    /// @throws JinjaException if no more are left
    void steps(long count) {
        if (count > left) {
            throw new JinjaException("the template takes more steps, or makes longer texts, than are allowed");
        }
        left -= count;
    }

    /// Pays for making a text.
    void characters(long count) {
        steps(count > MAX_TEXT_LENGTH ? Long.MAX_VALUE : 1 + count / CHARACTERS_PER_STEP);
    }

    /// Pays for looking for a text in another, which takes the product of their lengths at worst.
    void search(long length, long wanted) {
        steps(1 + product(Math.max(1, length - wanted + 1), wanted) / CHARACTERS_PER_STEP);
    }

    /// Pays for making a text of `count` pieces of `length` characters.
    void characters(long length, long count) {
        characters(product(length, count));
    }

    /// Pays for making a list of `count` times `length` elements.
    void elements(long length, long count) {
        steps(product(length, count));
    }

    /// Enters a block, a macro or a list within another.
    void enter() {
        if (depth == MAX_DEPTH) {
            throw new JinjaException("the template nests more than " + MAX_DEPTH + " levels deep");
        }
        depth++;
    }

    void leave() {
        depth--;
    }

    private static long product(long length, long count) {
        if (length <= 0 || count <= 0) {
            return 0;
        }
        return count > Long.MAX_VALUE / length ? Long.MAX_VALUE : length * count;
    }
}
