import TensorCore
import Testing

@testable import Parity

struct ParityReportTests {
    /// A model whose second of three activations is wrong, and with it the logits.
    private func astray() throws -> ParityReport {
        let reference = try Logits.reference(
            Logits.exact,
            [
                ("norm", Logits.view([4], [100, -100, 50, 1])), ("blocks.0", Logits.view([4], [1, 2, 3, 4])),
                ("patch_embed", Logits.view([4], [1, 2, 3, 4])), ("unheard.of", Logits.view([1], [0])),
            ])
        return try ParityCheck.compare(
            logits: Logits.tensor([2, 10], Logits.tanh),
            activations: [
                ("patch_embed", Logits.tensor([4], [1, 2, 3, 4])),
                ("blocks.0", Logits.tensor([4], [1, 2.5, 3, 4])), ("ours.alone", Logits.tensor([1], [0])),
                ("norm", Logits.tensor([4], [100.001, -100, 50, 1])),
            ], with: reference, tolerance: Tolerance())
    }

    @Test func theFirstDivergenceInExecutionOrderIsNamed() throws {
        let report = try astray()
        #expect(!report.passed)
        #expect(report.activations.map(\.name) == ["patch_embed", "blocks.0", "norm"])
        #expect(report.activations.map(\.passed) == [true, false, true])
        #expect(report.firstDivergence == "blocks.0")
        #expect(report.notCompared == ["unheard.of"])
        #expect(report.top1Agreement == 1)
    }

    @Test func theLogitsAloneCanDiverge() throws {
        let report = try ParityCheck.compare(
            logits: Logits.tensor([2, 10], Logits.tanh), activations: [],
            with: Logits.reference(Logits.exact), tolerance: Tolerance())
        #expect(report.firstDivergence == "logits")
    }

    @Test func aDivergingActivationFailsTheWhole() throws {
        let reference = try Logits.reference(Logits.exact, [("norm", Logits.view([2], [1, 2]))])
        let report = try ParityCheck.compare(
            logits: reference.logits, activations: [("norm", Logits.tensor([3], [1, 2, 3]))], with: reference,
            tolerance: Tolerance())
        #expect(report.logits.passed)
        #expect(!report.passed)
        #expect(report.activations.first?.message == "expected the shape [2], computed [3]")
    }

    @Test func jsonIsTheInterface() throws {
        let json = try astray().json
        let keys = json.members?.map(\.key)
        #expect(
            keys == [
                "passed", "maxAbsoluteError", "maxRelativeError", "rootMeanSquareError", "cosineSimilarity",
                "top1Agreement", "top5Agreement", "tolerance", "logits", "activations", "notCompared",
                "firstDivergence",
            ])
        #expect(json["passed"]?.bool == false)
        #expect(json["tolerance"]?.members?.map(\.key) == ["absolute", "relative"])
        #expect(json["activations"]?.array?[1]["passed"]?.bool == false)
        #expect(json["activations"]?.array?[1]["maxAbsoluteError"]?.double == 0.5)
        #expect(json["firstDivergence"]?.string == "blocks.0")
        let passing = try ParityCheck(Logits.reference(Logits.exact), tolerance: Tolerance())
            .report(logits: Logits.tensor([2, 10], Logits.exact))
        #expect(passing.json["passed"]?.bool == true)
        #expect(passing.json["firstDivergence"] == nil)
    }

    @Test func textIsAligned() throws {
        #expect(
            try astray().description == """
                parity FAILS: logits [2, 10]
                  largest error       4.07e-04  of 2.69e-05 + 3.00e-05·|b|
                  largest relative    5.09e-04
                  root mean square    1.82e-04
                  cosine              0.9999999796
                  top-1 agreement     100.0 %
                  top-5 agreement     100.0 %
                  12 of 20 elements outside tolerance, worst at [0, 1]: computed -1.4618717, reference -1.4614651
                  first divergence    blocks.0
                activations (3 compared, 1 outside tolerance):
                  ok    patch_embed  0         of 8.22e-05 + 3.00e-05·|b|
                  FAIL  blocks.0     5.00e-01  of 8.22e-05 + 3.00e-05·|b|
                  ok    norm         9.99e-04  of 2.25e-03 + 3.00e-05·|b|
                not compared (1, the model does not put them out): unheard.of
                """)
    }

    /// Where all is well, bars are drawn of as many activations as a screen holds.
    @Test(arguments: [3, 20, 21]) func barsAreDrawnAlsoWhereAllIsWell(count: Int) throws {
        let names = (0..<count).map { "blocks.\($0)" }
        let reference = try Logits.reference(
            Logits.exact, names.map { ($0, try Logits.view([2], [1000, -1000])) })
        let report = try ParityCheck.compare(
            logits: Logits.tensor([2, 10], Logits.exact),
            activations: names.map { ($0, try Logits.tensor([2], [1000.001, -1000])) }, with: reference,
            tolerance: Tolerance())
        #expect(report.passed)
        let lines = report.text { "<\(($0 * 100).rounded())>" }.split(separator: "\n")
        let heading =
            "activations (\(count) compared, all within tolerance), largest error 9.77e-04 in blocks.0"
        if count > 20 {
            #expect(lines.last == heading[...])
        } else {
            #expect(lines.suffix(count + 1).first == (heading + ":")[...])
            #expect(lines.last?.hasPrefix("  ok    blocks.\(count - 1)") == true)
            #expect(lines.last?.contains("  <67.0>  9.77e-04  of ") == true, "\(lines.last ?? "")")
        }
        #expect(report.description.split(separator: "\n").last == heading[...])
    }
}
