package io.moetier.storage.memory;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A number of bytes as people write it: `8M` and `4GiB` count in powers of 1024, `4GB` in powers of 1000, as disks do.
public record ByteSize(long bytes) {
    private static final Pattern FORM =
            Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*(?:([KMGT])(iB|B)?|B)?", Pattern.CASE_INSENSITIVE);
    private static final String UNITS = "KMGT";

    /// Reads `text`.
    ///
    /// @throws IllegalArgumentException if `text` is no size
    public static ByteSize parse(String text) {
        Matcher matcher = FORM.matcher(text.strip());
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "expected a size such as 8M, 1.5G, 4GiB or a number of bytes, found '" + text + "'");
        }
        String unit = matcher.group(2);
        double scale = 1;
        if (unit != null) {
            double base = "B".equalsIgnoreCase(matcher.group(3)) ? 1000 : 1024;
            scale = Math.pow(base, UNITS.indexOf(unit.toUpperCase(Locale.ROOT)) + 1);
        }
        double bytes = Double.parseDouble(matcher.group(1)) * scale;
        if (bytes >= 0x1p62) {
            throw new IllegalArgumentException("expected a size below 4 EiB, found '" + text + "'");
        }
        return new ByteSize((long) bytes);
    }

    /// Writes a size in binary units with three or four digits, for example `192 KiB` or `1.50 GiB`.
    public static String format(long bytes) {
        return format((double) bytes);
    }

    /// Writes a fraction of bytes, as rates have it, in the same form.
    public static String format(double bytes) {
        String[] names = {"B", "KiB", "MiB", "GiB", "TiB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1023.5 && unit < names.length - 1) {
            value /= 1024;
            unit++;
        }
        int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
        return String.format(Locale.ROOT, "%." + decimals + "f %s", value, names[unit]);
    }

    @Override
    public String toString() {
        return format(bytes);
    }
}
