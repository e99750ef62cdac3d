// Command gentables writes the codec's tables as Go source from the JSON files
// of the specification. It is run by go generate in the package's folder.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// table names one list of a JSON file: path of keys, the Go name and element
// type it gets, and its comment.
type table struct {
	path, name, elem, comment string
}

// files lists what goes where: one Go file per JSON file.
var files = []struct {
	json, out string
	tables    []table
}{
	{"header.json", "tables_header.go", []table{
		{"frame_length_cdf", "frameLengthCDF", "uint16", "frameLengthCDF is the model of the frame length symbol (3.2)."},
		{"bandwidth_index_cdf", "bandwidthIndexCDF", "uint16", "bandwidthIndexCDF is the model of the bandwidth index (3.2)."},
		{"one_bit_cdf", "flagCDF", "uint16", "flagCDF is the model of a one-bit flag of the upper layer (14.2)."},
	}},
	{"logistic.json", "tables_logistic.go", []table{
		{"edge_q15", "logisticEdgeQ15", "int32", "logisticEdgeQ15 holds the segment starts of the logistic distribution (6.5)."},
		{"slope", "logisticSlope", "int32", "logisticSlope holds the rise per 2^15 of each segment (6.5)."},
		{"cdf", "logisticCDF", "int32", "logisticCDF holds the distribution at the segment starts (6.5)."},
	}},
	{"pitch_gain.json", "tables_pitchgain.go", []table{
		{"cdf", "pitchGainCDF", "uint16", "pitchGainCDF is the model of the pitch gain symbol (5.1)."},
		{"gain_q12", "pitchGainQ12", "int16", "pitchGainQ12 holds the four gains of each symbol (5.1)."},
		{"index_min", "pitchGainIndexMin", "int", "pitchGainIndexMin bounds the quantiser from below (11.4)."},
		{"index_max", "pitchGainIndexMax", "int", "pitchGainIndexMax bounds the quantiser from above (11.4)."},
		{"transform_q12", "pitchBasisQ12", "int16", "pitchBasisQ12 holds the basis functions of lags over the four subframes (5.2)."},
		{"transform_float", "pitchBasis", "float64", "pitchBasis holds the basis functions of lags and gains over the four subframes (5.2)."},
	}},
	{"pitch_lag.json", "tables_pitchlag.go", lagTables("low", "Low", "mid", "Mid", "high", "High")},
	{"spectrum_envelope.json", "tables_envelope.go", []table{
		{"rc_cdf", "envelopeRCCDF", "uint16", "envelopeRCCDF holds the models of the envelope's reflection coefficients (6.2)."},
		{"rc_level_q15", "envelopeRCLevelQ15", "int16", "envelopeRCLevelQ15 holds their levels (6.2)."},
		{"rc_boundary_q15", "envelopeRCBoundaryQ15", "int32", "envelopeRCBoundaryQ15 holds the encoder's cell limits (11.7)."},
		{"gain_cdf", "envelopeGainCDF", "uint16", "envelopeGainCDF is the model of the envelope gain (6.2)."},
		{"gain_level_q10", "envelopeGainLevelQ10", "int32", "envelopeGainLevelQ10 holds its levels (6.2)."},
		{"gain_boundary_q10", "envelopeGainBoundaryQ10", "int32", "envelopeGainBoundaryQ10 holds the encoder's cell limits (11.7)."},
		{"cos_q9", "envelopeCosQ9", "int16", "envelopeCosQ9 holds round(512·cos((k+1)·pi·(n+1/2)/120)) (6.3)."},
	}},
	{"pitch_filter.json", "tables_pitchfilter.go", []table{
		{"interp_q14", "pitchInterpQ14", "int16", "pitchInterpQ14 holds the fractional-delay filters (A.5)."},
		{"interp_float", "pitchInterp", "float64", "pitchInterp holds the fractional-delay filters (8.3)."},
		{"damp_q15", "pitchDampQ15", "int16", "pitchDampQ15 is the damping filter (A.5)."},
		{"damp_float", "pitchDamp", "float64", "pitchDamp is the damping filter (8.3)."},
	}},
	{"filterbank.json", "tables_filterbank.go", []table{
		{"highpass_out1_fixed", "highpassOut1Fixed", "int16", "highpassOut1Fixed is the first output high-pass, low and high halves (A.7)."},
		{"highpass_out2_fixed", "highpassOut2Fixed", "int16", "highpassOut2Fixed is the second output high-pass, low and high halves (A.7)."},
		{"allpass_a_q15", "allpassAQ15", "int16", "allpassAQ15 holds the all-pass sections of the odd branch (A.7)."},
		{"allpass_b_q15", "allpassBQ15", "int16", "allpassBQ15 holds the all-pass sections of the even branch (A.7)."},
		{"highpass_in_float", "highpassIn", "float64", "highpassIn is the encoder's input high-pass: p1, p2, q1, q2 (11.2)."},
		{"highpass_out1_float", "highpassOut1", "float64", "highpassOut1 is the first output high-pass (8.5)."},
		{"highpass_out2_float", "highpassOut2", "float64", "highpassOut2 is the second output high-pass (8.5)."},
		{"allpass_a_float", "allpassA", "float64", "allpassA holds the all-pass sections A (8.5)."},
		{"allpass_b_float", "allpassB", "float64", "allpassB holds the all-pass sections B (8.5)."},
	}},
	{"transform_fixed.json", "tables_transform.go", []table{
		{"cos_step1_q14", "rotateCosQ14", "int16", "rotateCosQ14 holds cos(pi·n/240) (A.4)."},
		{"sin_step1_q14", "rotateSinQ14", "int16", "rotateSinQ14 holds sin(pi·n/240) (A.4)."},
		{"sin_step2_q14", "binSinQ14", "int16", "binSinQ14 holds sin((b+1/2)·239·pi/240) (A.4)."},
		{"fft_cos_q14", "dftCosQ14", "int16", "dftCosQ14 holds cos(2·pi·m/240) (A.4)."},
	}},
	{"encoder_analysis.json", "tables_analysis.go", []table{
		{"lpc_window_float", "lpcWindow", "float64", "lpcWindow is the window of the perceptual LPC analysis (11.5)."},
		{"pitch_interp_window_float", "pitchPeakInterp", "float64", "pitchPeakInterp interpolates between correlation values (11.3)."},
		{"pitch_surface_weight", "pitchSmoothness", "float64", "pitchSmoothness is the form that smooths the pitch gains (11.3)."},
		{"pitch_hp_a", "pitchHighpassPoles", "float64", "pitchHighpassPoles are the recursive taps of the pitch search's high-pass (11.3)."},
		{"pitch_hp_b", "pitchHighpassZeros", "float64", "pitchHighpassZeros are the forward taps of the pitch search's high-pass (11.3)."},
	}},
	{"bandwidth.json", "tables_bandwidth.go", []table{
		{"rate_wb", "bandwidthRatesWB", "int32", "bandwidthRatesWB holds the rates in bit/s of wideband indices (13.3)."},
		{"rate_wb_tenth_q16", "bandwidthTenthQ16", "int32", "bandwidthTenthQ16 holds a tenth of each rate (13.4)."},
		{"rate_wb_float", "bandwidthRatesWBFloat", "float32", "bandwidthRatesWBFloat holds the wideband rates of the floating-point estimator (13.5)."},
		{"rate_swb", "bandwidthRatesSWB", "float32", "bandwidthRatesSWB holds the rates of super-wideband indices (13.5)."},
		{"swb12_lower_rates", "split12Lower", "float64", "split12Lower holds the lower band's share at 12 kHz bandwidth (14.5)."},
		{"swb12_upper_rates", "split12Upper", "float64", "split12Upper holds the upper band's share at 12 kHz bandwidth (14.5)."},
		{"swb16_lower_rates", "split16Lower", "float64", "split16Lower holds the lower band's share at 16 kHz bandwidth (14.5)."},
		{"swb16_upper_rates", "split16Upper", "float64", "split16Upper holds the upper band's share at 16 kHz bandwidth (14.5)."},
	}},
	{"swb.json", "tables_swb.go", swbTables()},
	{"lpc_fixed_model0.json", "tables_lpc0.go", lpcTables("", "0")},
	{"lpc_fixed_models_1_2_legacy.json", "tables_lpc12.go", append(lpcTables("model1/", "1"), lpcTables("model2/", "2")...)},
	{"lpc_float_model0.json", "tables_lpcfloat.go", []table{
		{"shape_levels", "lpcShapeLevels", "float64", "lpcShapeLevels holds the levels of the shape symbols (7.2)."},
		{"gain_levels", "lpcGainLevels", "float64", "lpcGainLevels holds the levels of the gain symbols (7.2)."},
		{"gain_left", "lpcGainLeft", "float64", "lpcGainLeft is GL (7.2)."},
		{"gain_right", "lpcGainRight", "float64", "lpcGainRight is GR (7.2)."},
		{"shape_left", "lpcShapeLeft", "float64", "lpcShapeLeft is SL (7.2)."},
		{"shape_right", "lpcShapeRight", "float64", "lpcShapeRight is SR (7.2)."},
		{"gain_mean", "lpcGainMean", "float64", "lpcGainMean holds the mean log gains (7.2)."},
		{"shape_mean", "lpcShapeMean", "float64", "lpcShapeMean holds the mean log-area ratios (7.2)."},
		{"shape_index_zero_offset", "lpcShapeZero", "int", "lpcShapeZero is added to a rounded shape value to get its symbol (11.5)."},
		{"gain_index_zero_offset", "lpcGainZero", "int", "lpcGainZero is added to a rounded gain value to get its symbol (11.5)."},
	}},
}

func lagTables(keysAndNames ...string) []table {
	var t []table
	for i := 0; i < len(keysAndNames); i += 2 {
		k, n := keysAndNames[i], keysAndNames[i+1]
		t = append(t,
			table{k + "/cdf", "lagCDF" + n, "uint16", "lagCDF" + n + " holds the models of the four lag symbols (5.2)."},
			table{k + "/mean2_q10", "lagSlopeQ10" + n, "int16", "lagSlopeQ10" + n + " holds the levels of the second coefficient (5.2)."},
			table{k + "/mean4_q10", "lagBendQ10" + n, "int16", "lagBendQ10" + n + " holds the levels of the fourth coefficient (5.2)."},
			table{k + "/mean2_float", "lagSlope" + n, "float64", "lagSlope" + n + " holds the levels of the second coefficient (5.2)."},
			table{k + "/mean4_float", "lagBend" + n, "float64", "lagBend" + n + " holds the levels of the fourth coefficient (5.2)."},
			table{k + "/index_min", "lagIndexMin" + n, "int", "lagIndexMin" + n + " bounds the quantiser from below (5.2)."},
			table{k + "/index_max", "lagIndexMax" + n, "int", "lagIndexMax" + n + " bounds the quantiser from above (5.2)."})
	}
	return t
}

func lpcTables(prefix, n string) []table {
	t := []table{
		{prefix + "shape_cdf", "lpcShapeCDF" + n, "uint16", "lpcShapeCDF" + n + " holds the models of the shape symbols (5.3)."},
		{prefix + "shape_levels_q10", "lpcShapeLevelsQ10" + n, "int16", "lpcShapeLevelsQ10" + n + " holds the levels of the shape symbols (A.2)."},
		{prefix + "gain_cdf", "lpcGainCDF" + n, "uint16", "lpcGainCDF" + n + " holds the models of the gain symbols (5.3)."},
		{prefix + "gain_levels_q17", "lpcGainLevelsQ17" + n, "int32", "lpcGainLevelsQ17" + n + " holds the levels of the gain symbols (A.1)."},
		{prefix + "gain_left_q15", "lpcGainLeftQ15" + n, "int16", "lpcGainLeftQ15" + n + " is GL (A.1)."},
		{prefix + "shape_left_q15", "lpcShapeLeftQ15" + n, "int16", "lpcShapeLeftQ15" + n + " is SL (A.2)."},
		{prefix + "shape_right_q15", "lpcShapeRightQ15" + n, "int16", "lpcShapeRightQ15" + n + " is SR (A.2)."},
		{prefix + "gain_mean_q8", "lpcGainMeanQ8" + n, "int32", "lpcGainMeanQ8" + n + " holds the mean log gains (A.1)."},
		{prefix + "shape_mean_q17", "lpcShapeMeanQ17" + n, "int32", "lpcShapeMeanQ17" + n + " holds the mean log-area ratios (A.2)."},
	}
	if n == "0" {
		t = append(t,
			table{"gain_right_q15", "lpcGainRightQ15", "int16", "lpcGainRightQ15 is GR, the same for every model (A.1)."},
			table{"model_cdf", "lpcModelCDF", "uint16", "lpcModelCDF is the model of the model number (5.3)."})
	}
	return t
}

func swbTables() []table {
	t := []table{
		{"gain/cdf", "upperGainCDF", "uint16", "upperGainCDF holds the models of the upper band's gain symbols (14.2)."},
		{"gain/first_level", "upperGainFirst", "float64", "upperGainFirst holds the lowest levels (14.3)."},
		{"gain/decorrelation", "upperGainBasis", "float64", "upperGainBasis is the decorrelation matrix (14.3)."},
	}
	for _, w := range []string{"12", "16"} {
		p, n := "shape"+w+"/", "upperShape"+w
		t = append(t,
			table{p + "cdf", n + "CDF", "uint16", n + "CDF holds the models of the shape symbols at " + w + " kHz (14.2)."},
			table{p + "first_level", n + "First", "float64", n + "First holds the lowest levels (14.3)."},
			table{p + "mean_lar", n + "Mean", "float64", n + "Mean holds the mean log-area ratios (14.3)."},
			table{p + "intra", n + "Intra", "float64", n + "Intra decorrelates inside a vector (14.3)."},
			table{p + "inter", n + "Inter", "float64", n + "Inter decorrelates between vectors (14.3)."})
	}
	return t
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gentables:", err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := tablesDir()
	if err != nil {
		return err
	}
	for _, f := range files {
		src, err := generate(filepath.Join(dir, f.json), f.tables)
		if err != nil {
			return fmt.Errorf("%s: %w", f.json, err)
		}
		if err := os.WriteFile(f.out, src, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// tablesDir finds the folder of the JSON files: below EDGECAM_SHARED, or below
// a folder named shared beside the module.
func tablesDir() (string, error) {
	sub := filepath.Join("spec", "isac", "tables")
	if root := os.Getenv("EDGECAM_SHARED"); root != "" {
		return filepath.Join(root, sub), nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared", sub), nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod above the working directory; set EDGECAM_SHARED")
		}
	}
}

func generate(path string, tables []table) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var root any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("// Code generated by gentables; DO NOT EDIT.\n\npackage isac\n")
	for _, t := range tables {
		v := root
		for _, key := range strings.Split(t.path, "/") {
			m, ok := v.(map[string]any)
			if !ok || m[key] == nil {
				return nil, fmt.Errorf("no %s", t.path)
			}
			v = m[key]
		}
		list, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("%s is no list", t.path)
		}
		if err := emit(&b, t, list); err != nil {
			return nil, fmt.Errorf("%s: %w", t.path, err)
		}
	}
	return format.Source(b.Bytes())
}

// emit writes one variable: an array of numbers, of arrays of one length, or
// of slices where lengths differ.
func emit(b *bytes.Buffer, t table, list []any) error {
	fmt.Fprintf(b, "\n// %s\nvar %s = ", t.comment, t.name)
	if _, nested := list[0].([]any); !nested {
		fmt.Fprintf(b, "[%d]%s", len(list), t.elem)
		return emitRow(b, t.elem, list)
	}
	width, ragged := len(list[0].([]any)), false
	for _, row := range list {
		ragged = ragged || len(row.([]any)) != width
	}
	if ragged {
		fmt.Fprintf(b, "[%d][]%s{\n", len(list), t.elem)
	} else {
		fmt.Fprintf(b, "[%d][%d]%s{\n", len(list), width, t.elem)
	}
	for _, row := range list {
		if err := emitRow(b, t.elem, row.([]any)); err != nil {
			return err
		}
		// A comma closes every row, the last one too.
		b.Truncate(b.Len() - 1)
		b.WriteString(",\n")
	}
	b.WriteString("}\n")
	return nil
}

func emitRow(b *bytes.Buffer, elem string, row []any) error {
	b.WriteString("{")
	width := 0
	for i, v := range row {
		n, ok := v.(json.Number)
		if !ok {
			return fmt.Errorf("element %d is no number", i)
		}
		s := n.String()
		if elem == "float64" || elem == "float32" {
			f, err := n.Float64()
			if err != nil {
				return err
			}
			s = strconv.FormatFloat(f, 'g', -1, 64)
		} else if _, err := n.Int64(); err != nil {
			return err
		}
		if width += len(s) + 2; width > 150 {
			b.WriteString("\n")
			width = 0
		}
		b.WriteString(s)
		if i < len(row)-1 {
			b.WriteString(", ")
		}
	}
	b.WriteString("}\n")
	return nil
}
