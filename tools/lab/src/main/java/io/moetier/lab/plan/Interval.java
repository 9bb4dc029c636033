package io.moetier.lab.plan;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/// A figure that is not known exactly.
///
/// @param low nine times of ten, the figure should be between this one
/// @param likely as often below as above
/// @param high and this one
public record Interval(double low, double likely, double high) {
    private static final double NINE_OF_TEN = 1.645; // standard deviations

    /// Returns the fields of a report.
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("low", low);
        fields.put("likely", likely);
        fields.put("high", high);
        return fields;
    }

    /// Returns it for people, the likely figure first.
    public String text() {
        return text(likely) + " (" + text(low) + " to " + text(high) + ")";
    }

    private static String text(double number) {
        return String.format(Locale.ROOT, number >= 100 ? "%,.0f" : number >= 1 ? "%.1f" : "%.2f", number);
    }

    /// Returns the interval of a rate that is predicted from speeds alone, of something that takes so long.
    public static Interval ofSpeeds(double likelySeconds) {
        return ofRate(likelySeconds, Residuals.OF_SPEEDS.resident());
    }

    /// Returns the interval of a rate whose seconds have relative errors that do not depend on one another, each given
    /// as one standard deviation.
    static Interval ofRate(double likelySeconds, double... deviations) {
        double sum = 0;
        for (double deviation : deviations) {
            sum += deviation * deviation;
        }
        double factor = Math.exp(NINE_OF_TEN * Math.sqrt(sum));
        return new Interval(1 / (likelySeconds * factor), 1 / likelySeconds, factor / likelySeconds);
    }

    /// Returns the same of what takes that long.
    Interval inverse() {
        return new Interval(1 / high, 1 / likely, 1 / low);
    }
}
