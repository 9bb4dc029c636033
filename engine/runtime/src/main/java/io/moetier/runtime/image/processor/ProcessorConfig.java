package io.moetier.runtime.image.processor;

import io.moetier.storage.format.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What `preprocessor_config.json` says, each value checked, beside the `config.json` that has to agree with it.
record ProcessorConfig(JsonObject json, JsonObject model) {
    static final String TYPE = "image_processor_type";

    /// The most that any length, in pixels, patches or tiles, may be.
    static final int MOST = 4096;

    /// What the hub calls bicubic and bilinear.
    static final int BICUBIC = 3;

    static final int BILINEAR = 2;

    private static final int CHANNELS = 3;
    private static final double LEAST_NUMBER = 1e-9;
    private static final double MOST_NUMBER = 1e9;
    private static final String VISION = "vision_config";

    /// Returns the name of the hub's class, without what says which library it uses.
    String type() {
        return json.requireString(TYPE).replaceFirst("(Fast|Pil)$", "");
    }

    /// Returns a length from 1 to [#MOST].
    int length(String key, int byDefault) {
        return length(json, key, byDefault);
    }

    private static int length(JsonObject object, String key, int byDefault) {
        return (int) within(object, key, object.optionalLong(key).orElse((long) byDefault), MOST);
    }

    /// Returns `value`, which `key` of `object` gives, if it is from 1 to `most`.
    static long within(JsonObject object, String key, long value, long most) {
        if (value < 1 || value > most) {
            throw object.unexpected(key, "an integer from 1 to " + most, value);
        }
        return value;
    }

    /// Returns the object at `size`, or what the hub's class has.
    JsonObject size(Map<String, Integer> byDefault) {
        JsonObject size = json.withDefaults(Map.of("size", byDefault)).requireObject("size");
        byDefault.keySet().forEach(size::requireLong);
        return size;
    }

    /// Returns a side of the object at `size`.
    static int side(JsonObject size, String key) {
        return length(size, key, 0);
    }

    boolean flag(String key, boolean byDefault) {
        return json.optionalBoolean(key).orElse(byDefault);
    }

    /// Checks that `key`, if it is there, is true: without it there are no values that a tower could take.
    void requireTrue(String... keys) {
        for (String key : keys) {
            if (!flag(key, true)) {
                throw json.unexpected(key, "true", false);
            }
        }
    }

    /// Checks that pictures are resized as `wanted` has it.
    void requireResampling(int wanted, String name) {
        Optional<Integer> found = json.optionalInt("resample");
        if (found.isPresent() && found.get() != wanted) {
            throw json.unexpected("resample", wanted + " (" + name + ")", found.get());
        }
    }

    double rescaleFactor() {
        double factor = json.optionalDouble("rescale_factor").orElse(1.0 / 255);
        if (!isPositive(factor)) {
            throw json.unexpected("rescale_factor", "a number from " + LEAST_NUMBER + " to " + MOST_NUMBER, factor);
        }
        return factor;
    }

    List<Double> mean(List<Double> byDefault) {
        List<Double> mean = channels("image_mean", byDefault);
        if (!mean.stream().allMatch(number -> Math.abs(number) <= MOST_NUMBER)) {
            throw json.unexpected("image_mean", "three numbers from -" + MOST_NUMBER + " to " + MOST_NUMBER, mean);
        }
        return mean;
    }

    List<Double> deviation(List<Double> byDefault) {
        List<Double> deviation = channels("image_std", byDefault);
        if (!deviation.stream().allMatch(ProcessorConfig::isPositive)) {
            throw json.unexpected("image_std", "three numbers from " + LEAST_NUMBER + " to " + MOST_NUMBER, deviation);
        }
        return deviation;
    }

    private List<Double> channels(String key, List<Double> byDefault) {
        List<Double> numbers = json.has(key) ? json.requireDoubles(key) : byDefault;
        if (numbers.size() != CHANNELS) {
            throw json.unexpected(key, "three numbers", numbers);
        }
        return numbers;
    }

    private static boolean isPositive(double number) {
        return number >= LEAST_NUMBER && number <= MOST_NUMBER;
    }

    /// Returns what `config.json` says of its vision tower.
    JsonObject vision() {
        return model.requireObject(VISION);
    }

    /// Checks that the tower has `expected` as its `key`, if it has that key.
    void requireOfTower(String key, int expected) {
        for (int found : vision().optionalInts(key).orElse(List.of())) {
            if (found != expected) {
                throw vision().unexpected(
                                key, expected + ", as " + json.source().getFileName() + " has it", found);
            }
        }
    }

    /// Returns for how many tokens a tile of these sides stands: patches of the tower, of which a shuffle makes
    /// fewer and longer ones.
    ///
    /// @param ratio of sides after it
    int tokensPerTile(int height, int width, double ratio) {
        List<Integer> patch =
                new ArrayList<>(vision().optionalInts("patch_size").orElse(List.of(0)));
        int patchHeight = patch.getFirst();
        int patchWidth = patch.getLast();
        if (patchHeight < 1 || patchWidth < 1 || height % patchHeight != 0 || width % patchWidth != 0) {
            throw vision().unexpected("patch_size", "a divisor of " + height + " and " + width, patch);
        }
        int across = width / patchWidth;
        int down = height / patchHeight;
        double rows = ratio * down;
        double columns = ratio * across;
        if (!(ratio > 0 && ratio <= 1) || rows != Math.rint(rows) || columns != Math.rint(columns)) {
            throw vision().unexpected(
                            "patch_size", "patches of which a shuffle by " + ratio + " makes whole ones", patch);
        }
        return (int) (rows * columns);
    }
}
