package io.moetier.runtime.trace;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.format.Json;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CensusTest {
    private static final String JSON = """
            {"format":"moe-census/1","tokens":4,"layers":[{"layer":1,"counts":[3,1]},{"layer":2,"counts":[0,4]}]}""";

    @Test
    void sharesAreOfTokens() {
        Census census = parse(JSON);
        assertEquals(0.75, census.shareById().applyAsDouble(ExpertId.pack(1, 0)));
        assertEquals(1, census.shareById().applyAsDouble(ExpertId.pack(2, 1)));
        assertEquals(0, census.shareById().applyAsDouble(ExpertId.pack(2, 7)));
        assertEquals(0, census.shareById().applyAsDouble(ExpertId.pack(0, 0)));
    }

    @Test
    void whatIsWrittenIsReadAgain() {
        Census census = census(4, 3, 1);
        assertEquals(
                Json.write(census.toMap()),
                Json.write(parse(Json.write(census.toMap())).toMap()));
    }

    @Test
    void theLongerAgoTheLessItCounts() {
        int tokens = Census.HALF_LIFE_TOKENS;
        Census merged = census(tokens, tokens, 0).merge(census(tokens, 0, tokens));
        assertEquals(1.5 * tokens, merged.tokens());
        assertEquals(1 / 3.0, merged.shareById().applyAsDouble(ExpertId.pack(1, 0)), 1e-9);
        assertEquals(2 / 3.0, merged.shareById().applyAsDouble(ExpertId.pack(1, 1)), 1e-9);
    }

    @Test
    void aSumIsThatOfOneRun() {
        Census sum = Census.sum(List.of(census(4, 3, 1), census(12, 0, 12), census(1, 1, 0)));
        assertEquals(17, sum.tokens());
        assertArrayEquals(new double[] {4 / 17.0, 13 / 17.0}, sum.shares().get(1), 1e-12);
        assertThrows(IllegalArgumentException.class, () -> Census.sum(List.of()));
    }

    @Test
    void theDivergenceIsThatOfKullbackAndLeibler() {
        Census counted = census(7, 5, 2); // with half a choice more each 5.5 and 2.5 of 8
        assertEquals(0, counted.divergenceOf(census(16, 11, 5)), 1e-12);
        assertEquals(Math.log(8 / 5.5) / Math.log(2), counted.divergenceOf(census(7, 7, 0)), 1e-12);
        assertEquals(Math.log(8 / 2.5) / Math.log(2), counted.divergenceOf(census(9, 0, 9)), 1e-12);
        assertEquals(4, census(7, 7, 0).divergenceOf(census(1, 0, 1)), 1e-12, "what was never seen is possible");
        assertEquals(0, counted.divergenceOf(census(1, 0, 0)), "of nothing");
        assertThrows(IllegalArgumentException.class, () -> counted.divergenceOf(census(4, 3, 1, 0)));
    }

    @Test
    void censusesOfDifferentModelsAreToldApart() {
        Census two = census(4, 3, 1);
        Census three = census(4, 3, 1, 0);
        assertTrue(two.isOfTheModelOf(census(9, 1, 1)));
        assertFalse(two.isOfTheModelOf(three));
        assertFalse(two.isOfTheModelOf(parse(JSON)));
        assertThrows(IllegalArgumentException.class, () -> two.merge(three));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "moe-census/1|moe-census/2|format: expected moe-census/1, found moe-census/2",
                "4,|0,|tokens: expected a number above 0, found 0.0",
                "[3,1]|[3,-1]|layers[0].counts[1]: expected a number from 0, found -1",
                "[3,1]|[3,true]|layers[0].counts[1]: expected a number from 0, found true",
                "[3,1]|[3,1e18]|layers[0].counts[1]: expected no more than there are tokens, found 1.0E18",
                "[3,1]|7|layers[0].counts: expected a list of numbers, found 7",
                "\"layer\":2|\"layer\":1|layers[1].layer: expected another layer's number, found 1"
            })
    void whatIsNoCensusIsSaid(String part, String changed, String expected) {
        String message = assertThrows(MalformedModelException.class, () -> parse(JSON.replace(part, changed)))
                .getMessage();
        assertEquals("f: " + expected, message);
    }

    private static Census census(long tokens, long... counts) {
        SortedMap<Integer, long[]> byLayer = new TreeMap<>();
        byLayer.put(1, counts);
        return Census.of(tokens, byLayer);
    }

    private static Census parse(String json) {
        return Census.parse(Json.parseObject(json.getBytes(StandardCharsets.UTF_8), Path.of("f")));
    }
}
