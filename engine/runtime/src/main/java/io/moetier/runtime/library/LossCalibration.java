package io.moetier.runtime.library;

import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What leaving experts out costs a model, measured on a text: the KL divergence for each dose, as
/// [io.moetier.runtime.model.mixture.LossMeter] defines it.
///
/// @param text name of the text
/// @param tokens that were scored, for each point
/// @param copies the same of copies in fewer bits, where these were measured too
public record LossCalibration(String text, long tokens, List<Point> points, Optional<OfCopies> copies) {
    private static final String SCHEMA = "moetier-loss-1";
    private static final String DIRECTORY = "loss";

    /// One measurement.
    ///
    /// @param most the largest dose of an expert that was left out
    /// @param share of such experts that were
    /// @param dose of a token, on average
    /// @param kld mean KL divergence of a token, in nats
    /// @param kldPerDose what a dose costs at most in nine of ten pieces of the text
    public record Point(double most, double share, double dose, double kld, double kldPerDose) {}

    /// What copies in fewer bits cost, each with the dose that leaving its expert out would have.
    ///
    /// @param fingerprint of the store that has them
    public record OfCopies(String fingerprint, List<Point> points) {
        public OfCopies {
            points = List.copyOf(points);
        }

        /// Returns what such a dose costs.
        public double kldPerDose() {
            return dearest(points);
        }
    }

    /// What is needed to keep a model's loss below a limit.
    ///
    /// @param copyDose the dose of a copy, as a share of that of leaving its expert out; 1 without copies
    record Costs(double kldPerDose, double copyDose) {}

    public LossCalibration {
        points = List.copyOf(points);
    }

    /// Returns what a dose costs: of the points, the dearest one.
    public double kldPerDose() {
        return dearest(points);
    }

    private static double dearest(List<Point> points) {
        return points.stream().mapToDouble(Point::kldPerDose).max().orElseThrow();
    }

    /// Returns the file of the model with this fingerprint in a cache.
    public static Path file(Path cacheDirectory, String fingerprint) {
        return cacheDirectory.resolve(DIRECTORY).resolve(fingerprint + ".json");
    }

    /// Reads the calibration of a model, if it was calibrated.
    ///
    /// @throws MalformedModelException if the file is damaged
    public static Optional<LossCalibration> find(Path cacheDirectory, String fingerprint) {
        Path file = file(cacheDirectory, fingerprint);
        return Files.exists(file) ? Optional.of(parse(Json.readObject(file))) : Optional.empty();
    }

    /// Returns what doses cost a model, where its loss is to be limited.
    ///
    /// @param name of the model, for messages
    /// @throws InvalidOptionException if that was not measured
    static Optional<Costs> costs(
            ExpertSelection selection, Path name, Optional<String> fingerprint, Path cacheDirectory) {
        if (selection.maxKld().isEmpty()) {
            return Optional.empty();
        }
        LossCalibration calibration = fingerprint
                .flatMap(model -> find(cacheDirectory, model))
                .orElseThrow(() -> new InvalidOptionException(
                        "maxKld",
                        "it is not known yet what leaving out experts of " + name
                                + " costs; perplexity measures that when it calibrates a model"));
        double copyDose = selection
                .copies()
                .map(store -> calibration.copyDose(store, name))
                .orElse(1.0);
        return Optional.of(new Costs(calibration.kldPerDose(), copyDose));
    }

    private double copyDose(Path store, Path name) {
        Optional<String> fingerprint = StoreManifest.read(store).fingerprint();
        return copies.filter(of -> fingerprint.equals(Optional.of(of.fingerprint)))
                .map(of -> of.kldPerDose() / kldPerDose())
                .orElseThrow(() -> new InvalidOptionException(
                        "copies",
                        "it is not known yet what the experts of " + store + " cost in place of those of " + name
                                + "; perplexity measures that when it calibrates the model with them"));
    }

    /// Checks that what a dose costs a model was measured, where its loss is to be limited.
    ///
    /// @throws InvalidOptionException as [#costs(ExpertSelection, Path, Optional, Path)]
    public static void require(
            ExpertSelection selection, Path name, Optional<String> fingerprint, Path cacheDirectory) {
        Optional<Costs> _ = costs(selection, name, fingerprint, cacheDirectory);
    }

    /// Keeps this as the calibration of a model.
    public void keep(Path cacheDirectory, String fingerprint) throws IOException {
        Path file = file(cacheDirectory, fingerprint);
        Files.createDirectories(UnfinishedFile.folderOf(file));
        try (UnfinishedFile unfinished = UnfinishedFile.create(file)) {
            Files.writeString(unfinished.path(), Json.write(toMap()) + "\n", StandardCharsets.UTF_8);
            unfinished.publish();
        }
    }

    /// Returns this as the file has it.
    public Map<String, Object> toMap() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("schema", SCHEMA);
        fields.put("text", text);
        fields.put("tokens", tokens);
        fields.put("kld_per_dose", kldPerDose());
        fields.put("points", points.stream().map(LossCalibration::toMap).toList());
        copies.ifPresent(of -> fields.put("copies", toMap(of)));
        return fields;
    }

    private static Map<String, Object> toMap(OfCopies copies) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("fingerprint", copies.fingerprint);
        fields.put("kld_per_dose", copies.kldPerDose());
        fields.put("points", copies.points.stream().map(LossCalibration::toMap).toList());
        return fields;
    }

    private static Map<String, Object> toMap(Point point) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("most", point.most);
        fields.put("share", point.share);
        fields.put("dose", point.dose);
        fields.put("kl_divergence", point.kld);
        fields.put("kld_per_dose", point.kldPerDose);
        return fields;
    }

    private static LossCalibration parse(JsonObject json) {
        String schema = json.requireString("schema");
        if (!schema.equals(SCHEMA)) {
            throw json.unexpected("schema", SCHEMA, schema);
        }
        return new LossCalibration(
                json.requireString("text"),
                json.requireLong("tokens"),
                points(json),
                json.optionalObject("copies").map(of -> new OfCopies(of.requireString("fingerprint"), points(of))));
    }

    private static List<Point> points(JsonObject json) {
        List<Point> points = json.requireObjects("points").stream()
                .map(LossCalibration::point)
                .toList();
        if (points.isEmpty()) {
            throw json.unexpected("points", "one or more", "none");
        }
        return points;
    }

    private static Point point(JsonObject json) {
        Point point = new Point(
                json.requireDouble("most"),
                json.requireDouble("share"),
                json.requireDouble("dose"),
                json.requireDouble("kl_divergence"),
                json.requireDouble("kld_per_dose"));
        if (!(point.kldPerDose > 0)) {
            throw json.unexpected("kld_per_dose", "more than 0", point.kldPerDose);
        }
        return point;
    }
}
