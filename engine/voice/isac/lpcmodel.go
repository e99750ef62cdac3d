package isac

// lpcModel is one of the three sets of tables for LPC symbols (5.3). All known
// encoders use the first.
type lpcModel struct {
	shapeCDF      *[108][]uint16
	shapeQ10      *[108][]int16
	gainCDF       *[12][]uint16
	gainQ17       *[12][]int32
	gainLeftQ15   *[2][2]int16
	shapeLeftQ15  *[18][18]int16
	shapeRightQ15 *[6][6]int16
	gainMeanQ8    *[12]int32
	shapeMeanQ17  *[108]int32
}

var lpcModels = [3]lpcModel{
	{&lpcShapeCDF0, &lpcShapeLevelsQ100, &lpcGainCDF0, &lpcGainLevelsQ170, &lpcGainLeftQ150, &lpcShapeLeftQ150, &lpcShapeRightQ150, &lpcGainMeanQ80, &lpcShapeMeanQ170},
	{&lpcShapeCDF1, &lpcShapeLevelsQ101, &lpcGainCDF1, &lpcGainLevelsQ171, &lpcGainLeftQ151, &lpcShapeLeftQ151, &lpcShapeRightQ151, &lpcGainMeanQ81, &lpcShapeMeanQ171},
	{&lpcShapeCDF2, &lpcShapeLevelsQ102, &lpcGainCDF2, &lpcGainLevelsQ172, &lpcGainLeftQ152, &lpcShapeLeftQ152, &lpcShapeRightQ152, &lpcGainMeanQ82, &lpcShapeMeanQ172},
}
