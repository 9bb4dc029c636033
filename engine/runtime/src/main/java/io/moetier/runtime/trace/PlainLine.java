package io.moetier.runtime.trace;

import io.moetier.storage.model.Modality;
import io.moetier.storage.model.Phase;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Reads a token's line in the form in which recorders write it, straight from its bytes.
///
/// It answers false to every other form, and to every mistake: [TokenLine] then reads the line again in the general
/// way, and words what is wrong with it. So there is nothing that only this class accepts.
///
/// Why two ways: a line as a tree of JSON values takes ten times as long, and a simulation would wait for it.
final class PlainLine {
    private static final int MOST_DIGITS = 9;
    private static final int MOST_EXACT_DIGITS = 15; // of a number that a double holds exactly
    private static final double[] POWERS_OF_TEN = {
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15
    };
    private static final byte[][] TIERS = {ascii("\"host\""), ascii("\"disk\""), ascii("\"device\""), ascii("\"node\"")
    };
    private static final byte[] PREFILL = ascii("\"prefill\"");
    private static final byte[] DECODE = ascii("\"decode\"");
    private static final byte[] IMAGE = ascii("\"image\"");
    private static final byte[] TEXT = ascii("\"text\"");
    private static final int FAILED = -1;

    private final int numExperts;
    private final boolean fewerExperts;
    private final int[] lastSeen; // by expert: the list it was last seen in
    private int list;
    private byte[] bytes = {};
    private int at;
    private int end;

    PlainLine(TraceHeader header) {
        numExperts = header.experts();
        fewerExperts = header.fewerExperts();
        lastSeen = new int[numExperts];
    }

    /// Fills `row` from `bytes[start..end)`; where it answers false, what `row` holds means nothing.
    boolean read(byte[] line, int start, int lineEnd, TokenRow row) {
        bytes = line;
        at = start;
        end = lineEnd;
        row.request = FAILED;
        row.position = FAILED;
        row.step = TokenRow.NO_STEP;
        row.hasWeights = false;
        row.modality = Modality.TEXT;
        boolean phase = false;
        boolean experts = false;
        long seen = 0;
        if (!take('{')) {
            return false;
        }
        do {
            int key = key();
            if ((seen >> key & 1) != 0) {
                return false; // no object holds a key twice
            }
            seen |= 1L << key;
            switch (key) {
                case 'r' -> row.request = number();
                case 't' -> row.position = number();
                case 's' -> {
                    row.step = number();
                    if (row.step == FAILED) {
                        return false;
                    }
                }
                case 'p' -> phase = phase(row);
                case 'm' -> {
                    if (!modality(row)) {
                        return false;
                    }
                }
                case 'e' -> {
                    experts = experts(row);
                    if (!experts) {
                        return false;
                    }
                }
                case 'w' -> {
                    row.hasWeights = experts && weights(row);
                    if (!row.hasWeights) {
                        return false;
                    }
                }
                case 'h' -> {
                    if (!experts || !tiers(row)) {
                        return false;
                    }
                }
                default -> {
                    return false;
                }
            }
        } while (take(','));
        return take('}') && at == end && row.request >= 0 && row.position >= 0 && phase && experts;
    }

    /// Returns the one character of a key, 0 if there is none.
    private int key() {
        if (!take('"') || end - at < 3 || bytes[at + 1] != '"') {
            return 0;
        }
        int key = bytes[at];
        at += 2;
        return take(':') ? key : 0;
    }

    private boolean phase(TokenRow row) {
        row.phase = take(PREFILL) ? Phase.PREFILL : Phase.DECODE;
        return row.phase == Phase.PREFILL || take(DECODE);
    }

    private boolean modality(TokenRow row) {
        row.modality = take(IMAGE) ? Modality.IMAGE : Modality.TEXT;
        return row.modality == Modality.IMAGE || take(TEXT);
    }

    private boolean experts(TokenRow row) {
        if (!take('[')) {
            return false;
        }
        for (int layer = 0; layer < row.layers; layer++) {
            if ((layer > 0 && !take(',')) || !take('[') || !expertsOfLayer(row, layer * row.topK)) {
                return false;
            }
        }
        return take(']');
    }

    private boolean expertsOfLayer(TokenRow row, int first) {
        Arrays.fill(row.experts, first, first + row.topK, TokenRow.NONE);
        if (take(']')) {
            return true;
        }
        list++;
        for (int i = 0; i < row.topK; i++) {
            if (i > 0 && !take(',')) {
                if (fewerExperts) {
                    break;
                }
                return false;
            }
            int expert = number();
            if (expert < 0 || expert >= numExperts || lastSeen[expert] == list) {
                return false;
            }
            lastSeen[expert] = list;
            row.experts[first + i] = expert;
        }
        return take(']');
    }

    private boolean weights(TokenRow row) {
        boolean good = take('[');
        for (int layer = 0; good && layer < row.layers; layer++) {
            good = (layer == 0 || take(',')) && take('[');
            int first = layer * row.topK;
            int n = row.numChosen(layer);
            for (int i = 0; good && i < n; i++) {
                row.weights[first + i] = i > 0 && !take(',') ? Float.NaN : decimal();
                good = !Float.isNaN(row.weights[first + i]);
            }
            good = good && take(']');
        }
        return good && take(']');
    }

    private boolean tiers(TokenRow row) {
        boolean good = take('[');
        for (int layer = 0; good && layer < row.layers; layer++) {
            good = (layer == 0 || take(',')) && take('[');
            int n = row.numChosen(layer);
            for (int i = 0; good && i < n; i++) {
                good = (i == 0 || take(',')) && tier();
            }
            good = good && take(']');
        }
        return good && take(']');
    }

    private boolean tier() {
        boolean good = false;
        for (int i = 0; i < TIERS.length && !good; i++) {
            good = take(TIERS[i]);
        }
        return good;
    }

    /// Reads a whole number of at most nine digits without leading zeros.
    private int number() {
        skipBlanks();
        int begin = at;
        int value = 0;
        while (at < end && isDigit(bytes[at]) && at - begin < MOST_DIGITS) {
            value = 10 * value + bytes[at++] - '0';
        }
        boolean plain = at > begin && !(bytes[begin] == '0' && at - begin > 1);
        return plain && (at == end || !isDigit(bytes[at])) ? value : FAILED;
    }

    /// Reads a number such as 0.1875 whose digits a double holds exactly, so that one division rounds it rightly.
    private float decimal() {
        skipBlanks();
        int begin = at;
        long digits = 0;
        int point = -1;
        while (at < end && (isDigit(bytes[at]) || (bytes[at] == '.' && point < 0))) {
            if (bytes[at] == '.') {
                point = at;
            } else {
                digits = 10 * digits + bytes[at] - '0';
            }
            at++;
        }
        int length = at - begin;
        boolean fraction = point > begin && point < at - 1;
        if (length == 0 || length > MOST_EXACT_DIGITS || (point >= 0 && !fraction)) {
            return Float.NaN;
        }
        if (bytes[begin] == '0' && (fraction ? point > begin + 1 : length > 1)) {
            return Float.NaN;
        }
        return (float) (fraction ? digits / POWERS_OF_TEN[at - 1 - point] : digits);
    }

    private void skipBlanks() {
        while (at < end && bytes[at] == ' ') {
            at++;
        }
    }

    private boolean take(char c) {
        skipBlanks();
        if (at < end && bytes[at] == c) {
            at++;
            return true;
        }
        return false;
    }

    private boolean take(byte[] text) {
        skipBlanks();
        if (end - at < text.length) {
            return false;
        }
        for (int i = 0; i < text.length; i++) {
            if (bytes[at + i] != text[i]) {
                return false;
            }
        }
        at += text.length;
        return true;
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
